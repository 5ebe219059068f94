"""How values read."""

import json

import pytest

from proxy.cli import wording
from proxy.harmless import harmless, harmless_json


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (None, "unknown"), (0, "0 ms"), (0.41, "0.41 ms"), (9.96, "10 ms"), (145.2, "145 ms"), (999.4, "999 ms"),
        (999.6, "1.00 s"), (1234.5, "1.23 s"), (59_994, "59.99 s"), (59_996, "1 m 00 s"), (125_000, "2 m 05 s"),
        (3_725_000, "1 h 02 m"),
    ],
)  # fmt: skip
def test_duration(ms: float | None, words: str) -> None:
    """Each length has its unit, also at the edges."""
    assert wording.duration(ms) == words


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (None, "unknown"), ("0.000000000", "$0"), ("0.000045000", "$0.000045"), ("0.000000160", "<$0.000001"),
        ("0.093045000", "$0.0930"), ("0.999600000", "$1.00"), ("1234.565", "$1,234.57"),
    ],
)  # fmt: skip
def test_money(usd: str | None, words: str) -> None:
    """A cost that is not nothing never reads as nothing."""
    assert wording.money(usd) == words


@pytest.mark.parametrize(
    ("credits_used", "words"),
    [
        (None, "unknown"), (0, "0"), (0.00002, "<0.0001"), (0.254, "0.2540"), (5.66, "5.66"),
        (1550.2, "1,550"),
    ],
)  # fmt: skip
def test_usage(credits_used: float | None, words: str) -> None:
    """A usage that is not nothing never reads as nothing."""
    assert wording.usage(credits_used) == words


def test_exact_money() -> None:
    """Rates and amounts of the arithmetic keep every digit."""
    assert [wording.money(usd, exact=True) for usd in ("0.075", "2.5", "10", "0.00001505")] == [
        "$0.075", "$2.50", "$10.00", "$0.00001505",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("counted", "whole", "short"),
    [
        ({"input": None, "output": None}, "unknown", "unknown"),
        ({"input": 8, "output": None, "cache_read": None}, "8 → ?", "8 → ?"),
        ({"input": 105_600, "output": 4211, "cache_read": 102_400}, "105,600 (102,400 cached) → 4,211", "↻106k → 4.2k"),
        ({"input": 100, "output": 0, "cache_read": 0, "source": "estimated"}, "~100 → 0", "~100 → 0"),
    ],
)
def test_tokens(counted: dict[str, int | str | None], whole: str, short: str) -> None:
    """In and out, with what came from a cache marked, estimates marked, and the unknown never 0."""
    assert (wording.tokens(counted), wording.tokens(counted, short=True)) == (whole, short)


def test_harmless_text() -> None:
    """Controls, invisible and direction-changing characters become escapes; scripts and emoji stay."""
    assert harmless("a\x1b[2J\x9b\u202e\ufeff\U000e0041\r\n") == "a\\x1b[2J\\x9b\\u202e\\ufeff\\U000e0041\\r\\n"
    assert harmless("héllo שלום 👩\u200d💻") == "héllo שלום 👩\u200d💻"
    assert harmless("two\r\nlines\tand\x0b", lines=True) == "two\nlines\tand\\x0b"


def test_harmless_json() -> None:
    """Escapes in JSON are those of JSON, in pairs beyond the first plane."""
    document = json.dumps({"a": "\x7f\x9b\u202e\U000e0041é"}, ensure_ascii=False)
    made = harmless_json(document)
    assert json.loads(made) == json.loads(document)
    assert made == '{"a": "\\u007f\\u009b\\u202e\\udb40\\udc41é"}'
