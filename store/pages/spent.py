"""Forms that may be sent once: sending again what showed a secret, by a reload, must not make another one.

Each such form carries a name that nobody else has. Only names that were used are kept, the newest of them; a form from
before a restart is as good as any.
"""

import secrets
from collections import OrderedDict
from typing import Final

from aiohttp import web

_REMEMBERED: Final = 1000


class Spent:
    """The forms that were sent."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()

    def spend(self, name: str) -> bool:
        """Whether this form may be acted on: it has no name, or one that was not used."""
        if not name:
            return True
        if name in self._names:
            return False
        self._names[name[:64]] = None
        if len(self._names) > _REMEMBERED:
            self._names.popitem(last=False)
        return True


def new_form() -> str:
    """A name for a form."""
    return secrets.token_urlsafe(12)


SPENT: Final = web.AppKey("spent", Spent)
