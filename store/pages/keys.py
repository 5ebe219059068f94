"""`/keys`: every key that was issued or named and everybody who called without one, what they used, what is left.

Shows; what changes something is in `key_new.py` and `key_page.py`.
"""

import asyncio
from typing import Final

from aiohttp import web

from proxy.keys.key import Key
from proxy.keys.register import NotDone
from store.api.parts import PARTS
from store.budgets.told import counted
from store.filters import WrongFilter
from store.pages.key_fields import harmless
from store.pages.key_groups import group_lines, month_of_groups
from store.pages.key_lines import Keys
from store.pages.key_new import add_key_new
from store.pages.key_page import add_key_page, register_of
from store.pages.rendering import render
from store.pages.spent import SPENT, Spent
from store.pages.state import state_of
from store.pages.trouble import page
from store.pages.viewer import viewer_of
from store.questions.key_days import key_days
from store.questions.keys import keys

MOST_LINES: Final = 1000
"""How many keys a page shows, the last used first; the endpoint tells all."""

DONE: Final = {
    "disabled": "is disabled: it is refused from now on",
    "enabled": "is enabled again",
    "renamed": "has its new name; its calls so far keep the old one",
    "moved": "is in its new group from now on",
    "changed": "is changed",
    "deleted": "is deleted; its calls keep its name",
    "named": "has its name from now on",
    "again": "was done already; a secret is shown only once",
}
"""What the list says after something was done, by the parameter `done`."""


def add_keys(app: web.Application) -> None:
    """The page, and those that change something."""
    app[SPENT] = Spent()
    app.router.add_get("/keys", keys_page)
    add_key_new(app)
    add_key_page(app)


@page
async def keys_page(request: web.Request) -> web.StreamResponse:
    state = state_of(request)
    for name, value in state.params:
        if name not in ("done", "key") or (name == "done" and value not in DONE):
            raise WrongFilter(name, "this page takes no filters")
    parts = request.app[PARTS]
    now = parts.now()
    (register, trouble), told, days, month = await asyncio.gather(
        _register(request),
        keys(parts.source, now),
        key_days(parts.source, now),
        month_of_groups(parts.source, parts.config, now),
    )
    known = counted(parts.budgets())
    found = Keys(
        {key.name: key for key in register}, {one["key"]: one for one in told["keys"]}, days, known, parts.config, now
    )  # fmt: skip
    names = found.names()
    done = state.value("done")
    return render(
        request, "keys.html",
        lines=found.lines(names[:MOST_LINES]), left_out=max(0, len(names) - MOST_LINES), trouble=trouble,
        groups=group_lines(parts.config, register, month, known), month=month, tz=parts.config.credits.tz,
        done=DONE.get(done), done_key=harmless(state.value("key")) if done else "", zone=viewer_of(request).zone,
        access=parts.config.proxy.access,
    )  # fmt: skip


async def _register(request: web.Request) -> tuple[tuple[Key, ...], str | None]:
    """The keys, and what keeps them from being read."""
    try:
        return await register_of(request), None
    except NotDone as problem:
        return (), str(problem)
