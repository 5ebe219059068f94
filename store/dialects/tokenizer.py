"""Counts the tokens of OpenAI's models as their own tokenizers do, where the extra `tollbook[tokenizer]` is installed.

Only for estimates: what a provider reported is never counted again. Works without a network. Of texts longer than
65,536 characters only so much is counted and the rest taken to be like it, so that no call holds up the others.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Final, Protocol

from store.dialects.estimate import Count, Counting
from store.dialects.families import families

_PACKAGE: Final = "bpe_openai"
_COUNTED: Final = 65_536  # characters of one estimate: at most some milliseconds, whatever they are
_PIECES: Final = 2_000
_OLDER: Final = re.compile(r"gpt-?(?:4(?![\d.o]|-o)|3)|davinci-002|babbage-002|text-embedding-(?:3|ada-002)")


class _Encoding(Protocol):
    def encode_ordinary(self, text: str, /) -> Sequence[int]: ...


def installed() -> Counting | None:
    """What counts for each model; None without the extra."""
    return counting if find_spec(_PACKAGE) is not None else None


@lru_cache(maxsize=1024)
def counting(model: str | None) -> Count | None:
    """What counts for this model, which must be OpenAI's own."""
    name = encoding_of(model)
    return None if name is None else _counter(name)


def encoding_of(model: str | None) -> str | None:
    """Which encoding the model has; None for a model that is not OpenAI's."""
    if model is None:
        return None
    lines = families(model)
    if lines <= {"gpt"} and _OLDER.search(model.lower()):
        return "cl100k_base"
    return "o200k_base" if lines == {"gpt"} else None


@cache
def _counter(name: str) -> Count | None:
    try:
        encoding: _Encoding = import_module(_PACKAGE).get_encoding(name)
    except Exception:
        return None  # an installation that is not whole: as if there were none

    def count(texts: list[str]) -> int | None:
        return _count(encoding, texts)

    return count


def _count(encoding: _Encoding, texts: list[str]) -> int | None:
    whole = sum(map(len, texts))
    seen = tokens = 0
    for text in texts[:_PIECES]:
        part = text[: _COUNTED - seen]
        try:
            tokens += len(encoding.encode_ordinary(part))
        except ValueError:  # text that it does not take
            return None
        seen += len(part)
        if seen == _COUNTED:
            break
    return tokens if seen == whole else -(-tokens * whole // seen) if seen else None
