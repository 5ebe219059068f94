"""The columns of Usage Logs: seven that are always there, and those somebody may add."""

from dataclasses import dataclass
from typing import Final

from store.filters import WrongFilter
from store.pages.asking import PLACE
from store.pages.state import State

COLUMNS: Final = "columns"
"""The parameter that names the added ones."""

OWN: Final = (COLUMNS, "live", "open", "back")
"""Parameters that mean something to the page alone."""

OPTIONAL: Final = {
    "key": "Key",
    "group": "Group",
    "type": "Type",
    "status": "Status",
    "first_token": "First token",
    "rate": "Tokens/s",
    "upstream": "Upstream",
    "user": "User",
    "session": "Session",
    "overhead": "Overhead",
}
NUMBERS: Final = frozenset({"first_token", "rate", "overhead"})


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column that can be sorted by."""

    label: str
    address: str
    order: str | None  # how it is sorted now, as aria-sort says it
    numeric: bool


def chosen_columns(state: State) -> tuple[str, ...]:
    """The added columns, in the order of the page.

    Raises:
        WrongFilter: there is no such column.
    """
    names = {name.strip() for value in state.values(COLUMNS) for name in value.split(",") if name.strip()}
    for name in sorted(names - OPTIONAL.keys()):
        raise WrongFilter(COLUMNS, f"{name!r}: there are {', '.join(OPTIONAL)}")
    return tuple(name for name in OPTIONAL if name in names)


def headings(state: State) -> dict[str, Heading]:
    """The heads of the sortable columns; a second click turns the order round."""
    sort, order = state.value("sort", "time"), state.value("order", "desc")
    base = state.without("sort", "order", *PLACE)
    found: dict[str, Heading] = {}
    for name in ("time", "usage", "duration", "tokens", "cost"):
        turned = name == sort and order == "desc"
        address = base.with_(sort=None if name == "time" else name, order="asc" if turned else None).address
        now = {"desc": "descending", "asc": "ascending"}[order] if name == sort else None
        found[name] = Heading(name.capitalize(), address, now, name != "time")
    return found
