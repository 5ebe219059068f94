"""The model that a refused call asked for: for its row, so that whoever explains a refusal sees what it was about.

The refusal stands by then. Its body is behind its head on most connections, and is waited for for a moment; one that is
large, compressed, asked for by `Expect`, or not there yet leaves the model unknown.
"""

import asyncio
from dataclasses import replace

from proxy.client import ClientGone
from proxy.headers import Head
from proxy.keys import asked_model
from proxy.refusal import Refusal
from proxy.request_body import SMALL, BrokenBody, RequestBody

_WAITS_S = 0.1


async def with_model(why: Refusal, head: Head, body: RequestBody) -> Refusal:
    """The refusal, with the model where the body names one."""
    if why.model is not None or not body.exists or body.length is None or body.length > SMALL:
        return why
    if head.first("expect") is not None or head.first("content-encoding") not in (None, "identity"):
        return why
    try:
        async with asyncio.timeout(_WAITS_S):
            whole = await body.whole(SMALL)
    except (ClientGone, BrokenBody, TimeoutError):
        return why
    named = asked_model.in_body(head.first("content-type"), whole or b"")
    return replace(why, model=asked_model.shown(named[0])) if named else why
