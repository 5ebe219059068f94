"""The figures of one call that tell its pace, and what they usually are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

FEWEST = 10
"""With fewer calls than this nobody can say what is usual."""

_FEWEST_TOKENS = 5  # below, a rate of tokens says more about the network than about the model
_OF_THIS_SIZE = 1.5  # a prompt of the same size has at most this many times as many tokens, or as few


@dataclass(frozen=True, slots=True)
class Measured:
    """One call. Microseconds from its receipt, counts of tokens; None is unknown."""

    duration_us: int | None
    asked_us: int | None = None
    answered_us: int | None = None
    first_token_us: int | None = None  # streamed answers alone have one
    overhead_us: int | None = None
    pause_us: int | None = None
    held_us: int | None = None
    uploaded_us: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    streamed: bool = False
    outcome: str = "completed"
    status: int | None = 200
    failed: bool = False

    @property
    def sending_us(self) -> int:
        """How long the request was still being sent: before an upstream could be asked, and while what came of it was
        passed on, until that began its answer."""
        if self.asked_us is None or self.overhead_us is None:
            return 0
        sent = self.asked_us
        if self.uploaded_us is not None:
            until = self.uploaded_us if self.answered_us is None else min(self.uploaded_us, self.answered_us)
            sent = max(sent, until)
        return max(0, (sent if self.duration_us is None else min(sent, self.duration_us)) - self.overhead_us)

    @property
    def served_us(self) -> int | None:
        """How long it took from when the client had sent its request."""
        return None if self.duration_us is None else self.duration_us - self.sending_us

    @property
    def start_us(self) -> int | None:
        """How long after that the first piece of the answer was there; of a streamed answer only."""
        if not self.streamed or self.first_token_us is None:
            return None
        return max(0, self.first_token_us - self.sending_us)

    @property
    def writing_us(self) -> int | None:
        """How long the answer was being written: of a streamed one from its first piece on, else all of it; without
        the time in which it waited for the client to take it."""
        begun = self.sending_us if not self.streamed else self.first_token_us
        if self.duration_us is None or begun is None:
            return None
        return max(0, self.duration_us - begun - (self.held_us or 0))

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens in a second of writing; None where too few were written to say."""
        writing = self.writing_us
        if not writing or self.output_tokens is None or self.output_tokens < _FEWEST_TOKENS:
            return None
        return self.output_tokens * 1_000_000 / writing


@dataclass(frozen=True, slots=True)
class Spread:
    """Of a figure in many calls: what one of ten stays below, half, and nine of ten."""

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Usual:
    """What calls of one model, type and way of answering usually need; a spread is None when too few calls told it."""

    calls: int
    first_token_us: Spread | None = None
    tokens_per_second: Spread | None = None
    input_tokens: Spread | None = None
    output_tokens: Spread | None = None
    duration_us: Spread | None = None
    sizes: Sequence[tuple[int, int]] = field(default=(), repr=False)  # (input tokens, how long until the answer began)

    @property
    def known(self) -> bool:
        return self.calls >= FEWEST

    def start_for(self, input_tokens: int | None) -> tuple[float, int] | None:
        """Half of the prompts of this size had begun to be answered by then, and how many such calls there were."""
        if not input_tokens:
            return None
        begun = [
            us
            for size, us in self.sizes
            if size <= input_tokens * _OF_THIS_SIZE and input_tokens <= size * _OF_THIS_SIZE
        ]
        return (median(begun), len(begun)) if len(begun) >= FEWEST else None


def usual(calls: Iterable[Measured]) -> Usual:
    """What is usual among these calls: completed ones of one model and type, all streamed or none."""
    kept = list(calls)
    starts = [call.start_us if call.streamed else call.served_us for call in kept]
    sizes = [
        (call.input_tokens, start)
        for call, start in zip(kept, starts, strict=True)
        if call.input_tokens and start is not None
    ]
    return Usual(
        calls=len(kept),
        first_token_us=_spread(call.start_us for call in kept),
        tokens_per_second=_spread(call.tokens_per_second for call in kept),
        input_tokens=_spread(call.input_tokens for call in kept),
        output_tokens=_spread(call.output_tokens for call in kept),
        duration_us=_spread(call.duration_us for call in kept),
        sizes=sizes,
    )


def _spread(figures: Iterable[float | None]) -> Spread | None:
    known = sorted(figure for figure in figures if figure is not None)
    if len(known) < FEWEST:
        return None
    return Spread(_at(known, 0.1), median(known), _at(known, 0.9))


def _at(ascending: Sequence[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]
