"""Who calls what in a made book: names, their shares, and what a call of each is like. The same at every run."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

SLOTS = 65_536
"""Calls draw one of so many slots; a combination of model and key holds as many as its share."""

_FAMILIES = ("gpt-5", "claude-sonnet", "gemini-flash", "mistral-large", "gpt-4o")
_UPSTREAMS = ("openai", "anthropic", "gemini", "mistral", "openrouter")
# (type, how many of the models, input tokens of a typical call, output tokens)
_TYPES = (
    ("chat", 29, 1200, 350), ("completion", 3, 600, 200), ("embedding", 3, 900, 0), ("image", 1, 60, 1000),
    ("speech", 1, 250, 600), ("transcription", 1, 400, 150), ("moderation", 1, 300, 0), ("rerank", 1, 2500, 0),
)  # fmt: skip
MODELS = 40
KEYS = 500
GROUPS = 20
_MODELS_OF_A_KEY = 3


@dataclass(frozen=True, slots=True)
class Model:
    """A model, and what its calls are like."""

    name: str
    upstream: int
    type: int
    input_tokens: int
    output_tokens: int
    input_nano: int | None  # per token; None: nobody knows its price
    output_nano: int
    first_token_us: int
    token_us: int


@dataclass(frozen=True, slots=True)
class Slot:
    """What a call that draws this slot is: ids count from 1 in the order of the names here; 0 is no key."""

    model: int
    key: int
    group: int


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything that calls are drawn from."""

    models: tuple[Model, ...]
    keys: tuple[str, ...]
    groups: tuple[str, ...]
    slots: tuple[Slot, ...]

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(name for name, *_ in _TYPES)

    @property
    def upstreams(self) -> tuple[str, ...]:
        return _UPSTREAMS


def cast(seed: int = 7) -> Cast:
    """Models, keys and groups with shares as they are in life: a few have most of the calls (Zipf)."""
    chance = random.Random(seed)
    types = [number for number, (_, count, _, _) in enumerate(_TYPES, 1) for _ in range(count)]
    chance.shuffle(types)
    models = tuple(_model(number, of, chance) for number, of in enumerate(types))
    groups = ("default", *(f"team-{number:02}" for number in range(1, GROUPS)))
    keys = tuple(f"key-{number:03}" for number in range(1, KEYS + 1))
    of_models, of_groups = _zipf(MODELS, 1.0), _zipf(GROUPS, 0.8)
    shares: dict[Slot, float] = {}
    for key, share in enumerate(_zipf(KEYS + 1, 0.9)):  # 0: no credential presented
        (group,) = chance.choices(range(1, GROUPS + 1), of_groups) if key else (1,)
        used: set[int] = set()
        while len(used) < _MODELS_OF_A_KEY:
            used.update(chance.choices(range(1, MODELS + 1), of_models))
        for model, part in zip(chance.sample(sorted(used), len(used)), (0.7, 0.25, 0.05), strict=False):
            shares[Slot(model, key, group)] = share * part
    return Cast(models, keys, groups, _slots(shares))


def _model(number: int, of_type: int, chance: random.Random) -> Model:
    _, _, into, out = _TYPES[of_type - 1]
    upstream = chance.randrange(len(_UPSTREAMS))
    price = chance.choice((100, 250, 500, 2500, 3000))
    return Model(
        name=f"{_FAMILIES[upstream]}-{number + 1:02}",
        upstream=upstream + 1,
        type=of_type,
        input_tokens=round(into * chance.uniform(0.5, 2)),
        output_tokens=round(out * chance.uniform(0.5, 2)),
        input_nano=None if number == 30 else price,
        output_nano=price * 4,
        first_token_us=chance.randrange(150_000, 1_200_000),
        token_us=chance.randrange(4_000, 25_000),
    )


def _zipf(count: int, steepness: float) -> list[float]:
    weights = [1 / rank**steepness for rank in range(1, count + 1)]
    return [weight / sum(weights) for weight in weights]


def _slots(shares: dict[Slot, float]) -> tuple[Slot, ...]:
    """Every combination at least once."""
    spare = SLOTS - len(shares)
    whole = sum(shares.values())
    ends: Sequence[float] = list(accumulate(share / whole * spare for share in shares.values()))
    found: list[Slot] = []
    for place, (slot, end) in enumerate(zip(shares, ends, strict=True), 1):
        found += [slot] * max(1, round(end) + place - len(found))
    return tuple(found[:SLOTS])
