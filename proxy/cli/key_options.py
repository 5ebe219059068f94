"""The options of `tollbook keys` that say what a key may do, in the words of `proxy/keys/written.py`.

What reads them is imported when there is something to read. `none` stands for no bound.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from proxy.config.model import Config

P = ParamSpec("P")
R = TypeVar("R")


class _Nothing(Enum):
    NOTHING = "none"


NOTHING = _Nothing.NOTHING
_SEVERAL = ("budgets", "models", "upstreams")


def _reading(read: Callable[[str], Any], *, bound: bool = True) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that reads what was written, once or several times; wrong use where that makes no sense."""

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if bound and value in ("none", ("none",)):
            return NOTHING
        if bound and isinstance(value, tuple) and "none" in value:
            raise click.BadParameter("none takes away what there is, so it stands alone.", ctx, param)
        try:
            if isinstance(value, tuple):
                return tuple(map(read, value))
            return None if value is None else read(value)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", ctx, param) from None

    return callback


def _written(name: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        from proxy.keys import written

        return getattr(written, name)(value)

    return read


def _expiry(value: str) -> datetime:
    from proxy.keys.written import expiry

    return expiry(value, datetime.now(UTC))


def _budget(value: str) -> Any:
    from proxy.config.budget import read_budget

    return read_budget(value)


def _calls(value: str) -> Any:
    from proxy.keys.written import calls

    return calls(int(value) if value.isascii() and value.isdigit() else 0)


NAME = _reading(_written("name"), bound=False)
FINGERPRINT = _reading(_written("fingerprint"), bound=False)
SPAN = _reading(_written("span"), bound=False)
_PATTERN = _reading(_written("pattern"))
_BUDGET = _reading(_budget)
_EXPIRY = _reading(_expiry)
_CALLS = _reading(_calls)
_UPSTREAM = _reading(str)


def bounds(command: Callable[P, R]) -> Callable[P, R]:
    """The options that say what a key may do."""
    for option in (
        click.option(
            "--concurrent", metavar="N", callback=_CALLS,
            help="Calls under way at a time; of several workers each admits its share.",
        ),
        click.option(
            "--per-minute", metavar="N", callback=_CALLS,
            help="Calls a minute; of several workers each admits its share.",
        ),
        click.option(
            "--upstreams", metavar="NAME", callback=_UPSTREAM, multiple=True,
            help="Only this upstream; may be repeated.",
        ),
        click.option(
            "--models", metavar="PATTERN", callback=_PATTERN, multiple=True,
            help="Only these models, and what only looks (GET); `*` matches any run of characters; may be repeated.",
        ),
        click.option(
            "--expires", "expires_at", metavar="WHEN", callback=_EXPIRY,
            help="Not valid from then on: 90d, a date (that day included), RFC 3339.",
        ),
        click.option(
            "--budget", "budgets", metavar="CREDITS/PERIOD", callback=_BUDGET, multiple=True,
            help="Such as 50000/month; the period is total, day, week or month; may be repeated.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def given(options: dict[str, Any], chosen: "Config") -> dict[str, Any]:
    """The bounds that were written, those that were taken away as empty.

    Raises:
        UsageError: they make no sense beside other things: a period twice, an upstream that there is not.
    """
    found: dict[str, Any] = {}
    for name, value in options.items():
        empty = () if name in _SEVERAL else None
        if value != empty:
            found[name] = empty if value is NOTHING else value
    periods = [budget.period for budget in found.get("budgets", ())]
    if len(set(periods)) < len(periods):
        raise click.UsageError("--budget: the same period is named twice.")
    for upstream in found.get("upstreams", ()):
        if upstream not in chosen.upstreams:
            there_are = ", ".join(sorted(chosen.upstreams))
            raise click.UsageError(f"--upstreams: there is no upstream {upstream}; there are {there_are}.")
    return found
