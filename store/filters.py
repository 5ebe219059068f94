"""What is asked for: query parameters, checked and turned into a frozen `Filter`.

Nothing is silently ignored: an unknown parameter, a value that cannot mean anything, a single-valued parameter given
twice are all a `WrongFilter` that names the parameter. Knows nothing of SQL (store/conditions.py) or HTTP.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Final, TypeVar, get_args
from zoneinfo import ZoneInfo

import orjson

from proxy.journal.notes import Outcome
from store.anomalies import Anomaly
from store.call import CallType, CostState
from store.moments import moment_us, zone
from store.search.syntax import expression

UTC_ZONE: Final = ZoneInfo("UTC")
DIMENSIONS = ("model", "key", "group", "type", "upstream")
"""What the sums beside the rows are kept by."""
TIME_UNITS = ("minute", "hour", "day", "month")
BY = (*DIMENSIONS, "status", "outcome", "user", "session", *TIME_UNITS)
SORTS = ("time", "duration", "tokens", "cost", "usage")
ORDERS = ("desc", "asc")
MAX_LIMIT = 1000

_WORDS = (*DIMENSIONS, "status", "outcome", "stream", "user", "session", "request_id", "cost_state", "anomaly", "q")
_RANGES = ("duration_ms", "cost_usd", "tokens")
FILTERS = (
    "from", "to", "tz", *_WORDS[:5], "status", "outcome", "stream", "user", "session", "request_id", "tag.NAME",
    *(f"{end}_{what}" for what in _RANGES for end in ("min", "max")), "cost_state", "anomaly", "q",
)  # fmt: skip
"""The parameters every question takes."""
PAGING = ("limit", "cursor", "sort", "order")
GROUPING = ("by",)

_T = TypeVar("_T")
_STATUS = re.compile(r"[1-9][0-9]{2}|[1-9]xx|error|[0-9]*\*[0-9*]*")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?")
_WHOLE = re.compile(r"[0-9]{1,15}")
_MAX_VALUE = 1000  # characters; longer than any name, and far from SQLite's limit for patterns
_MAX_STARS = 16
_MAX_PARAMETERS = 1000


class WrongFilter(ValueError):
    """A parameter that cannot be understood: which, and why."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(f"{param}: {message}")
        self.param = param
        self.message = message


@dataclass(frozen=True, slots=True)
class Words:
    """Values of one parameter: at least one of the first, none of the second. `*` matches any run of characters."""

    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.any_of or self.none_of)


@dataclass(frozen=True, slots=True)
class Range:
    """A lowest and a highest value, both included; None where there is no such end."""

    lowest: int | None = None
    highest: int | None = None

    def __bool__(self) -> bool:
        return self.lowest is not None or self.highest is not None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls are meant, and how the answer is cut. Times are microseconds since the epoch: from <= time < to."""

    from_us: int | None = None
    to_us: int | None = None
    zone: ZoneInfo = UTC_ZONE
    model: Words = Words()
    key: Words = Words()
    group: Words = Words()
    type: Words = Words()
    upstream: Words = Words()
    status: Words = Words()
    outcome: Words = Words()
    stream: Words = Words()
    user: Words = Words()
    session: Words = Words()
    request_id: Words = Words()  # the provider's, or the id of the call
    cost_state: Words = Words()
    anomaly: Words = Words()
    q: Words = Words()  # texts to search for (store/search/syntax.py), where `*` has a meaning of its own
    tags: tuple[tuple[str, Words], ...] = ()
    duration_us: Range = Range()
    cost_nano: Range = Range()
    tokens: Range = Range()
    limit: int = 50
    cursor: str | None = None
    sort: str = "time"
    order: str = "desc"
    by: tuple[str, ...] = ()
    shape: str = ""  # same for two filters that a cursor may move between: all but from, to, tz, limit, cursor

    @property
    def only_dimensions(self) -> bool:
        """Whether time and the five dimensions are all that is filtered by."""
        others = (self.status, self.outcome, self.stream, self.user, self.session, self.cost_state, self.anomaly)
        return not (
            any(others) or self.request_id or self.q or self.tags or self.duration_us or self.cost_nano or self.tokens
        )


def parse(params: Iterable[tuple[str, str]], now: datetime, *, also: Collection[str] = ()) -> Filter:
    """The filter that these parameters ask for; `also` names what this question takes beside `FILTERS`.

    Raises:
        WrongFilter: a parameter is unknown, repeated where it must not be, or has a value that means nothing.
    """
    given = _collect(params, also)
    single = {name: values[0] for name, values in given.items() if not _repeatable(name)}
    words = {name: _words(name, given.get(name, [])) for name in _WORDS}
    tz = _read("tz", single.get("tz", "UTC"), zone)

    def moment(param: str, *, through: bool) -> int | None:
        if param not in single:
            return None
        return _read(param, single[param], lambda text: moment_us(text, now, tz, through=through))

    # A number below is what the row keeps: duration in microseconds, cost in nano-dollars.
    return Filter(
        from_us=moment("from", through=False), to_us=moment("to", through=True),
        zone=tz,
        model=words["model"], key=words["key"], group=words["group"], type=words["type"], upstream=words["upstream"],
        status=words["status"], outcome=words["outcome"], stream=words["stream"], user=words["user"],
        session=words["session"], request_id=words["request_id"], cost_state=words["cost_state"],
        anomaly=words["anomaly"], q=words["q"],
        tags=tuple((name[4:], _words(name, given[name])) for name in sorted(given) if name.startswith("tag.")),
        duration_us=_range("duration_ms", single, 1000),
        cost_nano=_range("cost_usd", single, 1_000_000_000),
        tokens=_range("tokens", single, None),
        limit=_limit(single.get("limit", "50")),
        cursor=single.get("cursor"),
        sort=_one_of("sort", single.get("sort", "time"), SORTS),
        order=_one_of("order", single.get("order", "desc"), ORDERS),
        by=_by(single["by"]) if "by" in single else (),
        shape=_shape(given),
    )  # fmt: skip


def refuse_all(params: Iterable[tuple[str, str]]) -> None:
    """For what takes no parameters.

    Raises:
        WrongFilter: there is one.
    """
    for name, _ in params:
        raise WrongFilter(name, "this takes no parameters")


def _repeatable(name: str) -> bool:
    return name in _WORDS or name.startswith("tag.")


def _collect(params: Iterable[tuple[str, str]], also: Collection[str]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for count, (name, value) in enumerate(params, 1):
        if not (name in FILTERS or name in also or (name.startswith("tag.") and len(name) > 4)):
            raise WrongFilter(name, f"unknown parameter; there are {', '.join((*FILTERS, *also))}")
        if count > _MAX_PARAMETERS:
            raise WrongFilter(name, f"more than {_MAX_PARAMETERS} parameters")
        if len(value) > _MAX_VALUE or len(name) > _MAX_VALUE:
            raise WrongFilter(name[:64], f"longer than {_MAX_VALUE} characters")
        if "\0" in value or not _encodable(name + value):
            raise WrongFilter(name if _encodable(name) else "tag", "not valid text")
        given.setdefault(name, []).append(value)
        if len(given[name]) > 1 and not _repeatable(name):
            raise WrongFilter(name, "given more than once")
    return given


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(param: str, text: str, reader: Callable[[str], _T]) -> _T:
    try:
        return reader(text)
    except ValueError as reason:
        raise WrongFilter(param, f"{text!r}: {reason}") from None


def _words(param: str, values: list[str]) -> Words:
    check = _CHECKS.get(param)
    any_of: list[str] = []
    none_of: list[str] = []
    for value in values:
        word = value.removeprefix("!")
        if not word:
            raise WrongFilter(param, "empty; leave the parameter out, or use * for any value")
        if param != "q" and word.count("*") > _MAX_STARS:
            raise WrongFilter(param, f"more than {_MAX_STARS} wildcards")
        (none_of if value.startswith("!") else any_of).append(check(param, word) if check else word)
    return Words(tuple(dict.fromkeys(any_of)), tuple(dict.fromkeys(none_of)))


def _status(param: str, word: str) -> str:
    if not _STATUS.fullmatch(word):
        raise WrongFilter(param, f"{word!r}: use a number (429), a class (4xx) or error")
    return word


def _searched(param: str, text: str) -> str:
    _read(param, text, expression)
    return text


def _known(values: tuple[str, ...]) -> Callable[[str, str], str]:
    def check(param: str, word: str) -> str:
        # fnmatch gives ? and [ a meaning that they do not have here; no known value contains them.
        if not any(fnmatchcase(value, word) for value in values) or set(word) & set("?["):
            raise WrongFilter(param, f"{word!r}: use one of {', '.join(values)}")
        return word

    return check


def _truth(param: str, word: str) -> str:
    if word not in ("true", "false", "1", "0"):
        raise WrongFilter(param, f"{word!r}: use true or false")
    return {"true": "1", "false": "0"}.get(word, word)


_CHECKS: Final[dict[str, Callable[[str, str], str]]] = {
    "type": _known(get_args(CallType)),
    "status": _status,
    "outcome": _known(get_args(Outcome)),
    "cost_state": _known(get_args(CostState)),
    "anomaly": _known(get_args(Anomaly)),
    "stream": _truth,
    "q": _searched,
}


def _range(what: str, single: dict[str, str], unit: int | None) -> Range:
    """Rounded inwards, so that a bound between two whole numbers excludes the one outside."""
    ends: list[int | None] = []
    for end, rounding in (("min", ROUND_CEILING), ("max", ROUND_FLOOR)):
        param = f"{end}_{what}"
        text = single.get(param)
        if text is None:
            ends.append(None)
        elif unit is None and _WHOLE.fullmatch(text):
            ends.append(int(text))
        elif unit is not None and _NUMBER.fullmatch(text) and Decimal(text) * unit < 2**63:
            ends.append(int((Decimal(text) * unit).to_integral_value(rounding)))
        else:
            kind = "a whole number" if unit is None else "a number"
            raise WrongFilter(param, f"{text!r}: use {kind}, 0 or more, in plain digits")
    return Range(*ends)


def _limit(text: str) -> int:
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise WrongFilter("limit", f"{text!r}: use a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _one_of(param: str, text: str, values: tuple[str, ...]) -> str:
    if text not in values:
        raise WrongFilter(param, f"{text!r}: use one of {', '.join(values)}")
    return text


def _by(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        _one_of("by", name, BY)
    if len(names) > 2 or len(set(names)) < len(names):
        raise WrongFilter("by", f"{text!r}: at most two different names, joined by a comma")
    return names


def _shape(given: dict[str, list[str]]) -> str:
    # A relative `from` moves between two pages; what is on them is decided by the cursor's own position.
    moving = ("from", "to", "tz", "limit", "cursor")
    defaults = {"sort": ["time"], "order": ["desc"]}
    kept = sorted((name, sorted(values)) for name, values in (defaults | given).items() if name not in moving)
    return blake2b(orjson.dumps(kept), digest_size=6).hexdigest()
