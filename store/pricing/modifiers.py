"""What is known to change a published price, and by how much no list says: told as an anomaly on the row.

The cost stays what the list says, because nearly all of it is right: these are a tenth more or half as much, and
calling the whole unknown would leave more out of every sum than the modifier does. But the row must not pretend, so it
carries `price_modifier_unknown`, which can be filtered by. A price of the configuration is the user's own word for what
is charged, so it never has the anomaly: that is how to state the modified price.

- A tier with a price of its own (flex, priority, batch, fast and others) for which the list has none.
- Anthropic's `inference_geo`, unless global: US-only inference costs a tenth more.
- Claude on Vertex, elsewhere than in the location `global`: a tenth more, from the 4.5 models on.
- Tools of xAI's, each of which costs half a cent, where an answer from before it told its cost counts them without
  saying which they were.

Bedrock's regional and global profiles are different ids with entries of their own, so nothing about them is unknown.
Nor about a fallback credit of Anthropic's that was redeemed: by its own documentation, the retry then counts as read
from a cache what it would have counted as written.
What an exchange does not show cannot be told here: whether an Azure deployment is global or bound to a data zone, or
whether an OpenAI project is bound to a region.
"""

import re
from typing import Final

from store.call import Reading
from store.pricing.price import Price

PRICE_MODIFIER_UNKNOWN: Final = "price_modifier_unknown"

_GEO = re.compile(rb'"inference_geo"\s*:\s*"([^"]*)"')
_ANYWHERE = frozenset({b"global", b"not_available", b""})
_TOOLS = re.compile(rb'"num_server_side_tools_used"\s*:\s*(\d{1,9})')
_LOCATION = re.compile(r"/locations/([^/]+)/publishers/anthropic/")
_ONE_PRICE = re.compile(r"claude-(?:[123]|instant|v1|4-|(?:opus|sonnet)-4(?:$|-[01](?!\d)|@|-20))")
"""Models from before 4.5, in the entries of the lists: one price at all locations."""


def modified(price: Price, reading: Reading, target: str) -> bool:
    """Whether this call is known to cost something else than the price says."""
    if price.source == "config":
        return False
    if price.unsure:
        return True
    usage = reading.raw_usage
    if usage is not None and b"inference_geo" in usage and price.entry.startswith("anthropic/"):
        return any(where.lower() not in _ANYWHERE for where in _GEO.findall(usage))
    if usage is not None and (tools := _TOOLS.search(usage)) is not None:
        return int(tools[1]) > (reading.units.web_searches or 0) + (reading.units.file_searches or 0)
    if "/publishers/anthropic/" in target:
        located = _LOCATION.search(target)
        name = price.entry.partition("/")[2]
        return located is not None and located[1] != "global" and _ONE_PRICE.match(name) is None
    return False
