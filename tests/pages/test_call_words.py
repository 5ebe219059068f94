"""What the page of one call says in words, and what it draws, agrees with the row."""

from decimal import Decimal
from itertools import pairwise
from typing import Any, get_args

import pytest

from proxy.journal.notes import Outcome
from store.call import CostState
from store.pages.arithmetic import account
from store.pages.ending import ending, status_name, tone
from store.pages.timeline import WIDTH, timeline


def a_call(**changes: Any) -> dict[str, Any]:
    return {
        "status": 200, "outcome": "completed", "error": None, "stream": False, "fault": None, "type": "chat",
        "model": "m", "usage": 0.045,
        "tokens": {"source": "reported", "total": 3, "parts": {"input_uncached": 0, "cache_read": 0, "output_text": 3}},
        "cost": {"state": "priced", "usd": "0.000045000", "lines": [], "cache_saved_usd": None,
                 "price": {"source": None, "entry": None, "since": None}},
    } | changes  # fmt: skip


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_outcome_is_a_sentence(outcome: str) -> None:
    """No outcome is told by its name alone, and only a completed one looks good."""
    call = a_call(outcome=outcome, status=None if outcome != "completed" else 200)
    assert ending(call)[0].isupper()
    assert ending(call)[-1] == "."
    assert outcome not in ending(call)
    assert (tone(call) == "good") == (outcome == "completed")


@pytest.mark.parametrize(("status", "said"), [
    (429, "The upstream answered 429 Too Many Requests: slow down"),
    (529, "The upstream answered 529 Overloaded: slow down"),
    (799, "The upstream answered 799: slow down"), (200, "The upstream reported an error within its answer: slow down"),
])  # fmt: skip
def test_errors_of_the_upstream(status: int, said: str) -> None:
    """An error is told with its number, the number's name and the upstream's own words."""
    error = {"type": None, "code": None, "message": "slow down"}
    assert ending(a_call(status=status, error=error)) == said


def test_names_of_statuses() -> None:
    """What is not known has no name, and no wrong one."""
    assert status_name(404) == "Not Found"
    assert status_name(799) == ""


@pytest.mark.parametrize("state", get_args(CostState))
def test_every_state_of_a_cost_is_a_sentence(state: str) -> None:
    """Each says how the cost is known, or why it is not."""
    cost = a_call()["cost"] | {"state": state, "usd": None if state == "unknown" else "0.000045000"}
    said = account(a_call(cost=cost), Decimal(1), Decimal(1000)).state
    assert said.split(":")[0].split(",")[0].lower() in (state, f"{state} by the provider")
    assert said[-1] == "."


def test_usage_is_explained_only_where_the_explanation_holds() -> None:
    """cost x ratio x credits per dollar is shown when it gives what is written, not when the settings have changed."""
    now = account(a_call(), Decimal(1), Decimal(1000)).usage
    changed = account(a_call(), Decimal(2), Decimal(1000)).usage
    assert now is not None
    assert (now.ratio, now.per_usd) == ("1", "1000")
    assert changed is not None
    assert changed.ratio is None
    assert account(a_call(usage=None), Decimal(1), Decimal(1000)).usage is None


def test_lines_add_up_or_say_that_they_were_rounded() -> None:
    """The sum of the lines is exact; where the cost is not that sum, it is called rounded."""
    line = {"kind": "input", "count": 7, "rate_usd_per_million": "0.0333", "usd": "0.0000002331"}
    cost = a_call()["cost"] | {"lines": [line, line], "usd": "0.000000466"}
    told = account(a_call(cost=cost), Decimal(1), Decimal(1000))
    assert (told.exact_sum, told.rounded) == ("0.0000004662", True)
    exact = a_call()["cost"] | {"lines": [line | {"usd": "0.000000466"}], "usd": "0.000000466"}
    assert account(a_call(cost=exact), Decimal(1), Decimal(1000)).rounded is False


def test_kinds_of_tokens_without_any_are_left_out() -> None:
    """The plain kind is always told; another one only when there is some of it."""
    told = account(a_call(), Decimal(1), Decimal(1000))
    assert [(kind.label, kind.count) for kind in told.input] == [("Input, at the plain rate", 0)]
    assert [kind.count for kind in told.output] == [3]


def test_the_bar_is_to_scale() -> None:
    """Stretches follow each other without gaps over the whole width; even the shortest can be seen."""
    parts = [{"part": name, "ms": ms, "means": ""} for name, ms in
             (("overhead", 0.2), ("waiting", 300.0), ("first_token", 0.1), ("streaming", 900.0))]  # fmt: skip
    drawn = timeline(parts, streamed=True)
    ends = [(float(one.x), float(one.x) + float(one.width)) for one in drawn]
    assert ends[0][0] == 0
    assert abs(ends[-1][1] - WIDTH) < 0.5
    assert all(abs(one[1] - other[0]) < 0.2 for one, other in pairwise(ends))
    assert min(float(one.width) for one in drawn) > 3
    assert 2.9 < float(drawn[3].width) / float(drawn[1].width) < 3.1
    assert sum(one.share for one in drawn) == pytest.approx(1)
    assert timeline([], streamed=False) == []


@pytest.mark.parametrize(("missing", "said", "remedy"), [
    ("model", "no model is known for it", False),
    ("price:gpt-9:x", "no price is known for gpt-9:x at this upstream", True),
    ("rate:web_search:m", "the price of m has no rate for web searches", True),
    ("rate:new_kind:m", "the price of m has no rate for new_kind", True),
    ("count:tokens:m", "nobody told its tokens", False),
    ("count:page:m", "m is billed by pages, and nobody told how many", False),
    ("tier:scale:m", "it was served at the tier scale, which is paid for in advance", True),
    ("amount", "what was counted makes no amount of money", False),
    ("new", "something is missing (new)", False),
])  # fmt: skip
def test_an_unknown_cost_says_why(missing: str, said: str, remedy: bool) -> None:
    """The reason is a sentence, and where a price would do, it says where to give one."""
    cost = a_call()["cost"] | {"state": "unknown", "usd": None, "missing": missing}
    told = account(a_call(cost=cost), Decimal(1), Decimal(1000)).state
    assert told.startswith(f"Unknown, because {said}.")
    assert told.endswith("gives it one.") is remedy


def test_lines_of_other_models_name_them_and_units_are_in_words() -> None:
    """Each line says per what its rate is; a portion says whose it is, and its price is told once."""
    portion = {"model": "big", "price": "config: prices[1] */big"}
    lines = [
        {"kind": "annotated_page", "count": 2, "rate_usd": "0.003", "usd": "0.006"},
        {"kind": "input", "count": 7, "rate_usd_per_million": "1", "usd": "0.000007", **portion},
        {"kind": "output", "count": 7, "rate_usd_per_million": "1", "usd": "0.000007", **portion},
    ]
    told = account(a_call(cost=a_call()["cost"] | {"lines": lines}), Decimal(1), Decimal(1000))
    assert [(line.label, line.unit, line.model) for line in told.lines] == [
        ("Annotated pages", "per page", None), ("Input", "per million", "big"), ("Output", "per million", "big"),
    ]  # fmt: skip
    assert told.portions == {"big": "config: prices[1] */big"}
