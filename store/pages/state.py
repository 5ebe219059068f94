"""The state of a page, as it is in its address: query parameters, the empty ones left out.

A form sends its empty fields too; an address without them is the one to keep, share and come back to, so a page that is
asked with empty parameters redirects to the address without.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class State:
    """Where we are: a path and parameters, in the order given."""

    path: str
    params: Params

    def values(self, name: str) -> list[str]:
        """All values of a parameter."""
        return [value for key, value in self.params if key == name]

    def value(self, name: str, default: str = "") -> str:
        """The value of a parameter that has one."""
        return next(iter(self.values(name)), default)

    def without(self, *names: str) -> "State":
        """The same without these parameters."""
        return State(self.path, tuple((key, value) for key, value in self.params if key not in names))

    def only(self, names: Collection[str]) -> "State":
        """The same with no parameters but these; `tag.NAME` stands for every tag."""
        return State(
            self.path,
            tuple(
                (key, value)
                for key, value in self.params
                if key in names or (key.startswith("tag.") and "tag.NAME" in names)
            ),
        )

    def with_(self, **changes: str | Iterable[str] | None) -> "State":
        """The same with these parameters instead; None takes one out. A trailing underscore (`from_`) is dropped."""
        named = {name.removesuffix("_"): value for name, value in changes.items()}
        kept = list(self.without(*named).params)
        for name, value in named.items():
            if value is not None:
                kept += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return State(self.path, tuple(kept))

    def at(self, path: str) -> "State":
        """The same parameters on another page."""
        return State(path, self.params)

    @property
    def address(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.params, safe='*!:,@/')}" if self.params else self.path


def state_of(request: web.Request) -> State:
    """The state in the address of this request.

    Raises:
        HTTPSeeOther: the address has empty parameters; this is the one without.
    """
    given = tuple(request.query.items())
    state = State(request.path, tuple((name, value) for name, value in given if value.strip()))
    if len(state.params) < len(given):
        raise web.HTTPSeeOther(state.address)
    return state
