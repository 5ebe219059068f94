"""What else a model may be called: the same name without the path, ARN or vendor that some APIs put before it.

The whole name always comes first: many lists have entries for it, with prices of their own (`us.anthropic.claude-...`
at Bedrock costs more than `global.anthropic...`). Refuses to guess: nothing within a name is cut, no version and no
date, and a vendor's name is taken off only where it is that of the seller, or of whom the seller resells.
"""

from collections.abc import Collection, Iterator

# By what some call themselves before a slash: the provider's name in the lists.
_VENDORS = {"mistralai": "mistral", "xai": "x-ai", "z-ai": "zai", "moonshot": "moonshotai", "vertex_ai": "google"}


def names_of(model: str, vendors: Collection[str]) -> Iterator[str]:
    """The names to look for, in this order. `vendors`: the seller, and whose models it resells."""
    name = model.removeprefix("models/")
    yield name
    # projects/P/locations/L/publishers/google/models/M, accounts/fireworks/models/M
    _, found, last = name.rpartition("/models/")
    if found and last:
        yield last
    # arn:aws:bedrock:REGION:ACCOUNT:inference-profile/us.anthropic.claude-..., .../foundation-model/amazon.nova-...
    if name.startswith("arn:"):
        yield name.rpartition("/")[2]
    vendor, slash, rest = name.partition("/")
    if slash and rest and _VENDORS.get(vendor.lower(), vendor.lower()) in vendors:
        yield rest


def backend_of(router: str, target: str, model: str | None) -> str:
    """Whose list applies behind a router that hands calls to other sellers at their prices, as Hugging Face's does.

    Which it is stands in the path (`/together/v1/...`) or behind the model (`deepseek-ai/DeepSeek-R1:together`).
    """
    first = target.lstrip("/").partition("/")[0]
    if first and first != "v1":
        return f"{router}_{first}"
    seller = (model or "").rpartition(":")[2] if ":" in (model or "") else ""
    return f"{router}_{seller}" if seller else router
