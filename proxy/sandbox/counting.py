"""How the sandbox counts tokens: a rule anyone can repeat by hand, not a tokenizer.

A text has one token per four characters, rounded up. A prompt has the tokens of its texts, three for each message,
and for each image what the dialect charges. Of a conversation that already has an answer in it and is at least 1,024
tokens long, the greatest multiple of 128 was in the cache.
"""

from dataclasses import dataclass
from math import ceil

CACHE_LEAST = 1024
CACHE_STEP = 128
MESSAGE = 3


def tokens(text: str) -> int:
    """One per four characters, rounded up."""
    return ceil(len(text) / 4)


def fitting(text: str, limit: int | None) -> str:
    """As much of the text as `limit` tokens hold."""
    return text if limit is None else text[: max(limit, 0) * 4]


@dataclass(frozen=True, slots=True)
class Counts:
    """What an answer counts. `cached` is part of `input`, `reasoning` and `text` together are `output`."""

    input: int
    cached: int
    text: int
    reasoning: int

    @property
    def output(self) -> int:
        """Text and reasoning."""
        return self.text + self.reasoning

    @property
    def total(self) -> int:
        """Input and output."""
        return self.input + self.output


def cached(input_tokens: int, answered_before: bool) -> int:
    """How many tokens of a prompt come from the cache."""
    if not answered_before or input_tokens < CACHE_LEAST:
        return 0
    return input_tokens // CACHE_STEP * CACHE_STEP
