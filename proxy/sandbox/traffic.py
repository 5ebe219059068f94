"""Sample traffic for a book that is not empty: two weeks of past calls, and live ones for as long as it is wanted.

Everything comes from a seed and a moment: the same two give the same calls. A past call is answered by the sandbox's
pure middle and told in the same three notes a worker would have written; nothing is sent anywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from proxy.sandbox import scenes
from proxy.sandbox.answer import Headers
from proxy.sandbox.behaviour import Habits
from proxy.sandbox.scenes import Fate, SampleCall, Visit

DAYS = 14
HABITS = Habits(failing_share=0.04, thinking_s=0.7, pace_s=0.025)
"""How the sandbox of the demo behaves, in the past and now."""

_OFFICE = "000000012466543556532100"  # how likely each hour is, in tenths of a visit's chance
_EVENING = "210000012211122222456764"
_NIGHT = "066650000000000000000000"
_ALWAYS = "322112356777878887776654"


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody whose calls go through the proxy."""

    key: str
    scene: Callable[[Visit], Iterator[SampleCall]]
    visits: float  # a day
    hours: str
    weekends: float = 1.0  # how much of a working day's visits
    labels: Headers = ()
    users: tuple[str, ...] = ()
    sessions: bool = False


_DESK = "sk-sandbox-garden-shop-desk"
_CODE = "sk-sandbox-team-calendar-code"
_HOME = "sk-sandbox-laptop-at-home"
_LABS = "sk-sandbox-reading-group-labs"
_BETA = "sandbox-pocket-app-beta"
_CRON = "sk-sandbox-help-site-cron"
_CAST = "sk-sandbox-radio-play-cast"
NAMED = {  # credential: what it is called, and its group; nobody named the one that stopped working
    _HOME: ("laptop", "home"),
    _CAST: ("radio-play", "home"),
    _DESK: ("shop-desk", "support"),
    _CRON: ("help-site", "support"),
    _CODE: ("calendar-team", "engineering"),
    _BETA: ("pocket-app", "engineering"),
    _LABS: ("reading-group", "research"),
}
GROUPS = {  # name: ratio, credits a month
    "home": ("1", "10000"),
    "support": ("1", "40000"),
    "engineering": ("1", "100000"),
    "research": ("0.8", "20000"),
}
_CLIENTS = (
    Client(_HOME, scenes.question, 5, _EVENING, weekends=1.6, labels=(("x-tollbook-tag-device", "laptop"),)),
    Client(
        _DESK, scenes.support, 4, _ALWAYS, weekends=0.5, labels=(("x-tollbook-tag-team", "support"),), sessions=True
    ),
    Client(
        _CODE,
        scenes.agent,
        2.6,
        _OFFICE,
        weekends=0.1,
        labels=(("x-tollbook-tag-repository", "calendar"),),
        users=("ana", "bo", "chidi"),
        sessions=True,
    ),
    Client(_LABS, scenes.thinking, 3, _OFFICE, weekends=0.3, labels=(("x-tollbook-tag-team", "research"),)),
    Client(_LABS, scenes.summary, 3, _OFFICE, weekends=0.2, labels=(("x-tollbook-tag-team", "research"),)),
    Client(_BETA, scenes.mobile, 5, _ALWAYS, weekends=1.3, users=("u-1041", "u-2210", "u-3307")),
    Client(_CRON, scenes.index, 1, _NIGHT, labels=(("x-tollbook-tag-job", "index"),)),
    Client(_CAST, scenes.studio, 1.6, _EVENING),
    Client(_HOME, scenes.completion, 1.6, _EVENING),
    Client("sk-sandbox-invalid-since-may1", scenes.question, 0.4, _OFFICE),  # nobody renewed this one: 401
    Client(_HOME, scenes.misspelt, 0.5, _EVENING),
)

# One call in a hundred or so ends in each of these ways; by count, so that none is ever missing.
_FATES: dict[int, Fate] = {
    11: "client_left",
    37: "upstream_timed_out",
    52: "client_left",
    68: "upstream_unreachable",
    83: "interrupted",
    94: "client_left",
}


def sample_calls(seed: int, now: datetime, days: int = DAYS) -> list[SampleCall]:
    """The calls of the last days, oldest first; the newest is a few minutes old."""
    dice = Random(f"{seed} {now.date()}")  # noqa: S311  sample data wants a seed, not a secret
    begin, end = now - timedelta(days=days), now - timedelta(minutes=3)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    calls = [
        call
        for day in range(days + 1)
        for client in _CLIENTS
        for at in _visits(client, midnight + timedelta(days=day), dice)
        for call in client.scene(_visit(client, at, dice))
    ]
    calls = sorted((call for call in calls if begin <= call.at < end), key=lambda call: call.at)
    return [replace(call, fate=_fate(number, call)) for number, call in enumerate(calls)]


def live_calls(seed: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[SampleCall]:
    """Calls without end, as the same clients make them, each to be sent when it is asked for."""
    dice = Random(f"{seed} live")  # noqa: S311  as above
    weights = [client.visits for client in _CLIENTS]
    for number in count():
        [client] = dice.choices(_CLIENTS, weights)
        for call in client.scene(_visit(client, clock(), dice)):
            # The other fates need an upstream that fails to connect, which a sandbox cannot be.
            yield replace(call, at=clock(), fate="client_left" if number % 25 == 24 and call.streamed else "answered")


def _visits(client: Client, midnight: datetime, dice: Random) -> Iterator[datetime]:
    wanted = client.visits * (client.weekends if midnight.weekday() >= 5 else 1.0)
    whole, part = divmod(wanted, 1)
    weights = [int(hour) for hour in client.hours]
    for _ in range(int(whole) + (dice.random() < part)):
        [hour] = dice.choices(range(24), weights)
        yield midnight + timedelta(hours=hour, seconds=dice.uniform(0, 3600))


def _visit(client: Client, at: datetime, dice: Random) -> Visit:
    labels = client.labels
    if client.users:
        labels = (*labels, ("x-tollbook-user", dice.choice(client.users)))
    if client.sessions:
        labels = (*labels, ("x-tollbook-session", f"s-{dice.getrandbits(32):08x}"))
    return Visit(dice, at, client.key, labels)


def _fate(number: int, call: SampleCall) -> Fate:
    return "answered" if call.upstream == "opnai" else _FATES.get(number % 100, "answered")
