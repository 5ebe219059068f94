"""What an unknown cost lacks, in a form that programs can sort by, and the same in a sentence.

`WHAT` or `WHAT:OF`, and after that, behind another colon, the model whose price it is:

- `model`                   no model is known
- `price:MODEL`             no price is known for this model at this upstream
- `rate:KIND:MODEL`         its price has no rate for what was counted
- `count:KIND:MODEL`        its price bills this, and nobody told how much of it there was
- `tier:NAME:MODEL`         served at a tier that is paid for in advance, so no list price applies
- `amount`                  what was counted makes no amount of money

KIND is that of a line of the arithmetic; `count:tokens` stands for all kinds of tokens.
"""

from typing import NamedTuple


class Missing(NamedTuple):
    """The three parts of such a name."""

    what: str
    of: str | None = None
    model: str | None = None


def no_price(model: str | None) -> str:
    """There is no price for this model; None: there is not even a model."""
    return f"price:{_name(model)}" if model else "model"


def no_rate(kind: str, model: str | None) -> str:
    """A price without a rate for what was counted."""
    return f"rate:{kind}:{_name(model)}"


def no_count(kind: str, model: str | None) -> str:
    """A price that bills what nobody counted."""
    return f"count:{kind}:{_name(model)}"


def no_list_price(tier: str, model: str | None) -> str:
    """A tier that has no list price."""
    return f"tier:{tier}:{_name(model)}"


def _name(model: str | None) -> str:
    return (model or "")[:256]  # what is longer is no name, and this is a name, not a place for one


NO_AMOUNT = "amount"


def parts_of(missing: str) -> Missing:
    """The parts again. A model may hold colons; a kind does not."""
    what, _, rest = missing.partition(":")
    if what == "price":
        return Missing(what, None, rest)
    of, _, model = rest.partition(":")
    return Missing(what, of or None, model or None)


def in_words(missing: str) -> str:
    """A clause that can follow "because"; without a full stop."""
    match parts_of(missing):
        case Missing("model"):
            return "no model is known for it"
        case Missing("price", _, model):
            return f"no price is known for {model} at this upstream"
        case Missing("rate", kind, model):
            return f"the price of {model or 'this model'} has no rate for {_NAMES.get(kind or '', kind)}"
        case Missing("count", "tokens", _):
            return "nobody told its tokens"
        case Missing("count", kind, model):
            return f"{model or 'the model'} is billed by {_NAMES.get(kind or '', kind)}, and nobody told how many"
        case Missing("tier", tier, _):
            return f"it was served at the tier {tier}, which is paid for in advance"
        case Missing("amount"):
            return "what was counted makes no amount of money"
        case _:
            return f"something is missing ({missing})"


def may_be_given(missing: str) -> bool:
    """Whether an entry in the configuration can supply it."""
    return parts_of(missing).what in ("price", "rate", "tier")


_NAMES = {
    "input": "input tokens", "cache_read": "tokens read from a cache",
    "cache_write_5m": "tokens written to a cache", "cache_write_1h": "tokens written to a cache for an hour",
    "input_audio": "audio in", "input_image": "images in",
    "cache_read_audio": "audio read from a cache", "cache_read_image": "images read from a cache",
    "output": "output tokens", "output_audio": "audio out", "output_image": "images out",
    "output_reasoning": "reasoning",
    "image": "images", "second": "seconds", "character": "characters", "page": "pages",
    "annotated_page": "annotated pages", "search_unit": "search units", "text_message": "text messages",
    "web_search": "web searches", "file_search": "file searches", "request": "requests",
    "output_citation": "tokens of citations", "input_video": "video in", "output_video": "video out",
}  # fmt: skip
