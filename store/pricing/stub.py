"""A `[[prices]]` table to copy into the configuration, for whoever knows what a model costs.

Its rates are left to be filled in: copied as it is, it is refused at start instead of making calls free.
"""

import re
from collections.abc import Iterable
from datetime import date

_PER_MILLION = "USD per million tokens"
_RATES = {
    "input": _PER_MILLION, "cache_read": _PER_MILLION, "cache_write": _PER_MILLION, "cache_write_1h": _PER_MILLION,
    "input_audio": _PER_MILLION, "input_image": _PER_MILLION, "cache_read_audio": _PER_MILLION,
    "cache_read_image": _PER_MILLION, "output": _PER_MILLION, "output_audio": _PER_MILLION,
    "output_image": _PER_MILLION, "output_reasoning": _PER_MILLION, "output_citation": _PER_MILLION,
    "input_video": _PER_MILLION, "output_video": _PER_MILLION,
    "request": "USD each", "image": "USD each", "second": "USD per second", "character": "USD per character",
    "page": "USD per page", "annotated_page": "USD per page", "search_unit": "USD each", "text_message": "USD each",
    "web_search": "USD each", "file_search": "USD each",
}  # fmt: skip


def stub(upstream: str, model: str, since: date, kinds: Iterable[str]) -> str:
    """The table: for these kinds of counts, from this day on."""
    wanted = {"cache_write" if kind == "cache_write_5m" else kind for kind in kinds} or {"input", "output"}
    rates = [f"# {kind} = 0.0  # {of}" for kind, of in _RATES.items() if kind in wanted]
    return "\n".join([
        "[[prices]]",
        f"upstream = {_quoted(upstream)}",
        f"model = {_quoted(model)}",
        f"from = {since.isoformat()}",
        *rates,
        "# free = true  # instead of rates, if it costs nothing",
    ])  # fmt: skip


def _quoted(name: str) -> str:
    """A pattern as a string of TOML, on one line: what cannot be shown matches anything, for no name may hold it."""
    shown = re.sub(r"\*+", "*", "".join(letter if letter.isprintable() else "*" for letter in name))
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
