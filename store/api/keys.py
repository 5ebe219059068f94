"""`/api/keys`: the keys that were ever used, the register of those that were issued or named, and the groups.

Tells; the endpoint changes nothing. Keys are made and changed by `tollbook keys` and on the page `/keys`.
"""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from aiohttp import web

from proxy.config.model import Config
from proxy.keys.key import Key
from proxy.keys.register import NotDone, Register
from proxy.keys.told import key_json
from store.api.answers import json_answer
from store.api.parts import PARTS
from store.budgets.told import Counted, budget_told, counted
from store.filters import refuse_all
from store.questions.keys import keys


async def keys_route(request: web.Request) -> web.Response:
    refuse_all(request.query.items())
    parts = request.app[PARTS]
    now, known = parts.now(), counted(parts.budgets())
    told = await keys(parts.source, now)
    try:
        # Reads a file: not on the event loop, whose disk may be the one that hangs.
        register = await asyncio.to_thread(Register(parts.data_dir).keys)
    except NotDone:
        return json_answer(told | {"register": None, "groups": _groups(parts.config, (), known)})
    return json_answer(
        told
        | {
            "register": [
                key_json(key, now) | {"budgets": [budget_told("key", key.name, one, known) for one in key.budgets]}
                for key in register
            ],
            "groups": _groups(parts.config, register, known),
        }
    )


def _groups(config: Config, register: Sequence[Key], known: Counted) -> list[dict[str, Any]]:
    """Those of the configuration, and those that keys are in."""
    living = [key.group for key in register if not key.deleted]
    told = []
    for name in sorted({*config.groups, *living}):
        group = config.groups.get(name)
        told.append({
            "name": name,
            "ratio": f"{group.ratio if group else Decimal(1):f}",
            "keys": living.count(name),
            "budgets": [budget_told("group", name, one, known) for one in (group.budgets if group else ())],
        })  # fmt: skip
    return told
