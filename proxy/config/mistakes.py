"""What is wrong with a configuration, all of it at once, in sentences that may be shown to anybody.

Refuses to repeat secrets: a value is left out when its key, or the value itself, looks like one.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches

from proxy.config.model import Config

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SECRET_KEY = re.compile(r"secret|token|passw|credential|api_?key|auth|bearer|webhook", re.IGNORECASE)
# The prefixes that vendors give their credentials, and any long run of letters and digits without a word's breaks.
_SECRET_VALUE = re.compile(r"^(sk-|gsk_|xai-|pplx-|tgp_|fw_|tb-|AIza|Bearer\b)|(?=\w*\d)(?=\w*[A-Za-z])\w{24,}")
_SECRET_IN_URL = re.compile(r"[@?#]")
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: where, what stands there (None: not worth or not fit to be shown), and what is right."""

    key: str
    problem: str
    value: str | None = None

    def __str__(self) -> str:
        place = self.key if self.value is None else f"{self.key} = {self.value}"
        return f"{place}: {self.problem}"


class ConfigError(Exception):
    """The configuration cannot be used; `mistakes` says everything that is wrong with it.

    `rest` is what it would be with the defaults in the place of the mistakes: to look for more that is wrong.
    """

    def __init__(self, mistakes: Iterable[Mistake], rest: Config | None = None) -> None:
        self.mistakes = tuple(mistakes)
        self.rest = rest
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        return "\n".join(map(str, self.mistakes))


def shown(key: str, value: object) -> str | None:
    """The value as the file would spell it, short, or None when it may be a secret."""
    if _SECRET_KEY.search(key):
        return None
    match value:
        case str():
            if _SECRET_VALUE.search(value) or ("://" in value and _SECRET_IN_URL.search(value)):
                return None
            text = json.dumps(value, ensure_ascii=False)
        case bool():
            text = "true" if value else "false"
        case dict():
            return "{...}" if value else "{}"
        case list():
            return "[...]" if value else "[]"
        case datetime() | date() | time():
            text = value.isoformat()
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def place(table: str, name: str) -> str:
    """How a message calls `[table.NAME]`: as the file does, with quotes where TOML wants them."""
    return f"{table}.{name}" if _BARE_KEY.fullmatch(name) else f"{table}.{json.dumps(name)}"


def entry(table: str, number: int) -> str:
    """How a message calls the n-th `[[table]]`, counted from 1 as people do."""
    return f"{table}#{number}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?`, or nothing when no known word is close."""
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""
