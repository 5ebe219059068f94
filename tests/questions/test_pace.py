"""A call is placed against what is usual for its model, and the words say which it was."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.book import Entry
from store.call import Call, CallError, Cost, Tokens
from store.pace import FEWEST, Measured, Retries, Usual, parts, reasons, slowness, usual
from store.questions import call
from store.reader import Reader
from tests.books import NOON_US, a_book, a_call

S = 1_000_000
MS = 1_000


def streamed(**changes: Any) -> Measured:
    """A call as the model usually answers: first token after 0.8 s, 50 tokens per second, 300 tokens for 1000."""
    figures = {
        "duration_us": 6_800 * MS, "asked_us": 500, "answered_us": 700 * MS, "first_token_us": 800 * MS,
        "overhead_us": 500, "input_tokens": 1000, "output_tokens": 300, "streamed": True,
    }  # fmt: skip
    return Measured(**(figures | changes))  # type: ignore[arg-type]


def whole(**changes: Any) -> Measured:
    return streamed(**({"streamed": False, "first_token_us": None, "answered_us": 6_700 * MS} | changes))


USUAL = usual(streamed(first_token_us=(780 + number % 5 * 10) * MS) for number in range(100))
USUAL_WHOLE = usual(whole() for _ in range(100))


def names(found: Iterable[Any]) -> list[str]:
    return [reason.name for reason in found]


def test_a_usual_call_is_as_usual() -> None:
    """A call like the others has the one reason `none`, and says what half of them take."""
    (reason,) = reasons(streamed(), USUAL)
    assert reason.name == "none"
    assert reason.sentence == "As usual for this model: 6.8 s; of 100 calls half take 6.8 s or less, nine of ten 6.8 s."


def test_a_late_first_token_is_a_slow_start() -> None:
    """A prompt of the usual size whose answer began late is told with both figures."""
    (reason,) = reasons(streamed(first_token_us=4_100 * MS, duration_us=10_100 * MS), USUAL)
    assert (reason.name, reason.sentence) == (
        "slow_start",
        "First token after 4.1 s; this model usually needs 800 ms for prompts of this size (median of 100 calls).",
    )


def test_a_late_first_token_of_a_very_long_prompt_is_the_prompt() -> None:
    """A prompt of many times the usual size explains a late start where no call of its size says otherwise."""
    (reason,) = reasons(streamed(first_token_us=4_100 * MS, duration_us=10_100 * MS, input_tokens=40_000), USUAL)
    assert (reason.name, reason.sentence) == (
        "long_prompt",
        "First token after 4.1 s: the prompt has 40,000 tokens, 40 times the usual 1,000 (median of 100 calls).",
    )


def test_a_long_prompt_is_no_excuse_where_others_of_its_size_begin_early() -> None:
    """Where enough prompts of that size began early, the start was slow; where they began late, it was not."""
    late = streamed(first_token_us=4_100 * MS, duration_us=10_100 * MS, input_tokens=40_000)
    short = [streamed() for _ in range(100)]
    for began, expected in ((1_000 * MS, "slow_start"), (4_000 * MS, "long_prompt")):
        others = [streamed(first_token_us=began, input_tokens=39_000) for _ in range(FEWEST)]
        assert names(reasons(late, usual([*short, *others]))) == [expected]


def test_a_prompt_that_is_long_for_its_model_alone_explains_nothing() -> None:
    """Three hundred tokens take no time to read, though the others had thirty."""
    short = usual(streamed(input_tokens=30) for _ in range(100))
    late = streamed(first_token_us=4_100 * MS, duration_us=10_100 * MS, input_tokens=300)
    assert names(reasons(late, short)) == ["slow_start"]


def test_slow_writing_is_told_with_both_speeds() -> None:
    """Fewer tokens per second than usual, at the usual length, is slow generation."""
    (reason,) = reasons(streamed(duration_us=20_800 * MS), USUAL)
    assert reason.name == "slow_generation"
    assert reason.sentence.startswith("15 tokens per second; this model usually writes 50 (median of 100 calls).")
    assert reason.sentence.endswith("would have taken 6.0 s instead of 20.0 s.")


def test_a_long_answer_at_the_usual_speed_is_long_output() -> None:
    """Many tokens at the usual speed are long output and not slow generation."""
    (reason,) = reasons(streamed(duration_us=60_800 * MS, output_tokens=3000), USUAL)
    assert (reason.name, reason.sentence) == (
        "long_output",
        "The answer has 3,000 tokens, 10 times the usual 300 (median of 100 calls); writing it took 1 min.",
    )


def test_several_causes_are_all_named() -> None:
    """A late start, slow writing and a long answer in one call are three reasons."""
    found = reasons(streamed(first_token_us=60 * S, duration_us=360 * S, output_tokens=3000), USUAL)
    assert names(found) == ["slow_start", "slow_generation", "long_output"]


def test_what_took_no_noticeable_part_of_the_call_is_not_named() -> None:
    """A start three times as late as usual is no reason in a call that took minutes."""
    found = reasons(streamed(first_token_us=2_400 * MS, duration_us=122_400 * MS, output_tokens=6000), USUAL)
    assert names(found) == ["long_output"]


def test_our_own_overhead_is_named_without_knowing_what_is_usual() -> None:
    """Overhead that matters is told even of a model's first call; half a millisecond never is."""
    found = reasons(streamed(overhead_us=1_360 * MS), Usual(0))
    assert names(found) == ["own_overhead", "unknown"]
    assert found[0].sentence == "Tollbook itself took 1.4 s before it asked the upstream, 20% of the call."
    assert names(reasons(streamed(overhead_us=500, duration_us=1000), USUAL)) == ["none"]


def test_the_time_a_client_took_to_send_is_not_the_models() -> None:
    """A request that came in slowly is named as such, and the model is placed against what it needed from then on."""
    late = {"asked_us": 7_000 * MS, "answered_us": 7_700 * MS, "overhead_us": 500, "duration_us": 13_800 * MS}
    (reason,) = reasons(streamed(**late, first_token_us=7_800 * MS), USUAL)
    assert (reason.name, reason.sentence) == (
        "slow_request",
        "The client took 7.0 s to send its request, 51% of the call; the upstream could not begin before.",
    )
    assert names(reasons(whole(**late), USUAL_WHOLE)) == ["slow_request"]
    both = reasons(streamed(**(late | {"duration_us": 17_100 * MS}), first_token_us=11_100 * MS), USUAL)
    assert names(both) == ["slow_request", "slow_start"]
    assert both[1].sentence.startswith("First token after 4.1 s from then on; ")
    assert names(reasons(streamed(asked_us=90 * MS, overhead_us=500), USUAL)) == ["none"]


def test_a_request_passed_on_as_it_came_is_not_the_models_time() -> None:
    """Until the upstream began its answer, what was still being sent is told as that, in the reasons and in the bar."""
    times = {"answered_us": 7_700 * MS, "first_token_us": 7_800 * MS, "duration_us": 13_800 * MS}
    slow = streamed(uploaded_us=7_000 * MS, **times)
    (reason,) = reasons(slow, USUAL)
    assert (reason.name, reason.sentence) == (
        "slow_request",
        "It took 7.0 s to send the request, 51% of the call: as fast as the client sent and the upstream took it.",
    )
    assert [(one.part, one.us // MS) for one in parts(slow)] == [
        ("overhead", 0), ("passing_on", 6_999), ("waiting", 700), ("first_token", 100), ("streaming", 6_000),
    ]  # fmt: skip
    early = streamed(uploaded_us=5_000 * MS)  # answered before all of it was there
    assert names(reasons(early, USUAL)) == ["slow_request"]
    assert sum(one.us for one in parts(early)) == early.duration_us


def test_a_pause_is_named_and_is_no_slow_generation() -> None:
    """A silence amid the answer is told as such; the rest of the answer is placed against what is usual without it."""
    (reason,) = reasons(streamed(pause_us=38_000 * MS, held_us=0, duration_us=44_800 * MS), USUAL)
    assert (reason.name, reason.sentence) == (
        "pause", "The upstream fell silent amid its answer, once for 38.0 s, 85% of the call.",
    )  # fmt: skip
    slow = streamed(pause_us=38_000 * MS, held_us=0, duration_us=64_800 * MS)
    assert names(reasons(slow, USUAL)) == ["pause", "slow_generation"]
    assert names(reasons(streamed(pause_us=900 * MS), USUAL)) == ["none"]
    left = streamed(pause_us=38_000 * MS, duration_us=44_800 * MS, outcome="client_left", failed=True)
    assert names(reasons(left, USUAL)) == ["failed", "pause"]
    assert names(reasons(streamed(pause_us=38_000 * MS, duration_us=44_800 * MS), Usual(0))) == ["pause", "unknown"]


def test_a_client_that_reads_slowly_is_named_and_is_no_slow_generation() -> None:
    """The time in which the answer waited for the client is the client's, however the answer came."""
    (reason,) = reasons(streamed(held_us=20_000 * MS, duration_us=26_800 * MS), USUAL)
    assert (reason.name, reason.sentence) == (
        "slow_client",
        "The client took the answer more slowly than it came: 20.0 s of it, 75% of the call, "
        "was waiting for the client.",
    )
    assert names(reasons(streamed(held_us=90 * MS), USUAL)) == ["none"]
    assert names(reasons(whole(held_us=20_000 * MS, duration_us=26_800 * MS), USUAL_WHOLE))[0] == "slow_client"


def test_retries_of_the_client_are_named() -> None:
    """The client's own count is told, else the failed attempts that came before."""
    (told,) = reasons(streamed(), USUAL, Retries(told=2, failed_before=5))[:1]
    assert told.name == "client_retries"
    assert "had tried this 2 times before" in told.sentence
    (seen,) = reasons(streamed(), USUAL, Retries(failed_before=1, first_before_us=12 * S))[:1]
    assert seen.sentence.startswith(
        "1 failed attempt of the same key, model and request size came before, the first 12.0 s"
    )


def test_an_answer_in_one_piece_is_placed_against_its_length() -> None:
    """Without a first token the whole time is compared: by speed, by length, by the prompt, else it just came late."""
    assert names(reasons(whole(), USUAL_WHOLE)) == ["none"]
    assert names(reasons(whole(duration_us=30 * S), USUAL_WHOLE)) == ["slow_generation"]
    assert names(reasons(whole(duration_us=68 * S, output_tokens=3000), USUAL_WHOLE)) == ["long_output"]
    embeddings = usual(whole(output_tokens=None, duration_us=200 * MS) for _ in range(FEWEST))
    late = whole(output_tokens=None, duration_us=4 * S)
    (reason,) = reasons(late, embeddings)
    assert (reason.name, reason.sentence) == (
        "slow_start",
        "The answer came after 4.0 s; this model usually needs 200 ms for prompts of this size (median of 10 calls).",
    )
    assert names(reasons(whole(output_tokens=None, duration_us=4 * S, input_tokens=50_000), embeddings)) == [
        "long_prompt"
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"outcome": "upstream_timed_out", "status": 504, "answered_us": None},
         "6.8 s of 6.8 s were spent waiting for the upstream's headers, until patience ended."),
        ({"outcome": "upstream_timed_out", "status": 200},
         "The upstream began its answer after 700 ms and then fell silent; the call ended after 6.8 s."),
        ({"outcome": "upstream_unreachable", "status": 502, "answered_us": None},
         "6.8 s of 6.8 s went into trying to reach the upstream; no connection came about."),
        ({"outcome": "upstream_broke_off", "status": 200},
         "The upstream began its answer after 700 ms and broke it off; the call ended after 6.8 s."),
        ({"outcome": "rejected", "status": 403, "asked_us": None, "duration_us": 400},
         "Tollbook refused this call after 0.4 ms; no upstream was asked."),
        ({"outcome": "interrupted", "status": None, "duration_us": None},
         "Tollbook itself stopped while this call was under way; how long it would have taken is not known."),
        ({"outcome": "client_left", "first_token_us": None},
         "The client left after 6.8 s, before the first piece of the answer."),
        ({"status": 429}, "The upstream answered with 429 after 700 ms; the call took 6.8 s in all."),
        ({"status": 200},
         "The upstream began its answer after 700 ms and reported an error in it; the call took 6.8 s in all."),
    ],
)  # fmt: skip
def test_a_call_that_did_not_end_well_says_where_its_time_went(changes: dict[str, Any], sentence: str) -> None:
    """The first reason of a failed call is what was being waited for."""
    found = reasons(streamed(failed=changes.get("outcome") != "client_left", **changes), USUAL)
    assert (found[0].name, found[0].sentence) == ("failed", sentence)


_durations = st.none() | st.integers(0, 10**8)
_counts = st.none() | st.integers(0, 10**6)
_calls = st.builds(
    Measured, *[_durations] * 8, _counts, _counts, st.booleans(),
    st.sampled_from(("completed", "client_left", "upstream_timed_out", "rejected")), st.sampled_from((None, 200, 500)),
    st.booleans(),
)  # fmt: skip


@given(_calls, st.lists(_calls, max_size=30))
def test_there_is_always_a_reason_or_the_word_that_there_is_none(one: Measured, others: list[Measured]) -> None:
    """Whatever was measured, there is a reason, no name comes twice, and `none` stands alone."""
    found = names(reasons(one, usual(others)))
    assert found
    assert len(set(found)) == len(found)
    assert "none" not in found or found == ["none"]


@given(_calls)
def test_the_parts_add_up_to_the_duration(one: Measured) -> None:
    """The stretches are never negative, come in order, and together are exactly the duration; or there are none."""
    found = parts(one)
    assert all(part.us > 0 for part in found)
    order = ["sending", "overhead", "passing_on", "waiting", "first_token", "streaming"]
    assert [part.part for part in found] == [name for name in order if name in {part.part for part in found}]
    assert sum(part.us for part in found) == (one.duration_us if one.asked_us is not None and one.duration_us else 0)


def test_a_stream_has_all_parts() -> None:
    """A streamed call that was sent slowly shows five stretches; one answered in one piece has no first token."""
    found = {part.part: part.us for part in parts(streamed(asked_us=100_500))}
    assert found == {
        "sending": 100_000, "overhead": 500, "waiting": 599_500, "first_token": 100_000, "streaming": 6_000_000,
    }  # fmt: skip
    assert [part.part for part in parts(whole())] == ["overhead", "waiting", "streaming"]
    assert [part.part for part in parts(streamed(answered_us=None, first_token_us=None))] == ["overhead", "waiting"]


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [(None, None), (100.0, "usual"), (400.0, "usual"), (401.0, "slow"), (801.0, "very_slow")],
)
def test_durations_are_coloured_by_their_model(duration_ms: float | None, expected: str | None) -> None:
    """Beyond nineteen of twenty is slow, beyond twice that very slow; without thresholds nothing is said."""
    assert slowness(duration_ms, (200.0, 400.0)) == expected
    assert slowness(duration_ms, None) is None


# ------------------------------------------------------------------------------------------ out of the book

_TOKENS = Tokens("reported", input_uncached=1000, output_text=300)


def in_book(**changes: Any) -> Call:
    figures: dict[str, Any] = {
        "stream": True, "duration_us": 6_800 * MS, "asked_us": 500, "answered_us": 700 * MS,
        "first_token_us": 800 * MS, "overhead_us": 500, "tokens": _TOKENS,
    }  # fmt: skip
    return a_call(**(figures | changes))


async def told(
    data_dir: Path, one: Call, others: list[Call], headers: tuple[tuple[str, str], ...] = ()
) -> dict[str, Any]:
    data_dir.mkdir(exist_ok=True)  # noqa: ASYNC240 - of a test
    async with Reader.open(a_book(data_dir, [*others, Entry(one, headers)])) as reader:
        found = await call(reader, str(UUID(bytes=one.call_id)))
    assert found is not None
    return found


async def test_a_call_is_compared_with_its_own_kind_alone(tmp_path: Path) -> None:
    """Other models, types, ways of answering and failed calls are not what is usual for a call."""
    alike = [in_book() for _ in range(12)]
    strangers = [
        in_book(model="other"), in_book(type="embedding"), in_book(stream=False), in_book(status=500, key="ci"),
        in_book(outcome="client_left"), in_book(key="ci", error=CallError("t", None, "m")),
    ]  # fmt: skip
    late = in_book(first_token_us=4_100 * MS, duration_us=10_100 * MS)
    found = (await told(tmp_path, late, [*alike, *strangers]))["pace"]
    assert found["compared_with"] == 12
    assert found["usual"]["first_token_ms"] == {"p10": 800.0, "p50": 800.0, "p90": 800.0}
    assert found["usual"]["tokens_per_second"]["p50"] == 50.0
    assert [reason["reason"] for reason in found["reasons"]] == ["slow_start"]


async def test_only_the_nearest_calls_are_usual(tmp_path: Path) -> None:
    """What a model needed long ago does not count once 500 calls came since; what came later counts only at first."""
    old = [in_book(started_at_us=NOON_US - 2000 * S + number, first_token_us=3 * S) for number in range(100)]
    since = [in_book(started_at_us=NOON_US - 1000 * S + number) for number in range(500)]
    one = in_book(started_at_us=NOON_US)
    found = (await told(tmp_path, one, [*old, *since]))["pace"]
    assert (found["compared_with"], found["usual"]["first_token_ms"]["p90"]) == (500, 800.0)
    async with Reader.open(tmp_path) as reader:
        first = await call(reader, str(UUID(bytes=old[0].call_id)))
    assert first is not None
    assert first["pace"]["compared_with"] == 500


async def test_the_first_calls_of_a_model_say_that_nothing_is_usual_yet(tmp_path: Path) -> None:
    """With three calls to compare with, the words say so, and no figure is made up."""
    found = (await told(tmp_path, in_book(), [in_book() for _ in range(3)]))["pace"]
    assert found["reasons"] == [
        {"reason": "unknown", "sentence": "Not enough calls of this model yet to say what is usual (3)."}
    ]
    assert set(found["usual"].values()) == {None}


async def test_a_call_without_a_model_is_compared_with_nothing(tmp_path: Path) -> None:
    """Where no model is known there is nothing to compare with."""
    nameless = {"model": None, "requested_model": None}
    found = await told(tmp_path, in_book(**nameless), [in_book(**nameless) for _ in range(20)])
    assert found["pace"]["compared_with"] == 0


async def test_retries_are_read_from_the_header_and_from_failed_calls_before(tmp_path: Path) -> None:
    """x-stainless-retry-count counts when it is a number; else equal requests that failed within two minutes do."""
    earlier = [
        in_book(started_at_us=NOON_US - seconds * S, status=status, key=key, request_bytes=size)
        for seconds, status, key, size in (
            (5, 429, "laptop", 777), (9, 500, "laptop", 777), (200, 429, "laptop", 777),
            (3, 200, "laptop", 777), (3, 429, "ci", 777), (3, 429, "laptop", 778),
        )
    ]  # fmt: skip
    one = in_book(started_at_us=NOON_US, request_bytes=777)
    seen = (await told(tmp_path / "a", one, earlier, (("x-stainless-retry-count", "0"),)))["pace"]["reasons"][0]
    assert seen["sentence"].startswith(
        "2 failed attempts of the same key, model and request size came before, the first 9.0 s"
    )
    counted = (await told(tmp_path / "b", one, [], (("X-Stainless-Retry-Count", "1"),)))["pace"]["reasons"][0]
    assert counted["sentence"].startswith("The client had tried this 1 time before")
    for nonsense in ("-1", "x", "²", "99999"):
        rest = (await told(tmp_path / nonsense.encode().hex(), one, [], (("x-stainless-retry-count", nonsense),)))[
            "pace"
        ]
        assert [reason["reason"] for reason in rest["reasons"]] == ["unknown"]


async def test_what_caching_spared_is_told_with_the_cost(tmp_path: Path) -> None:
    """Savings, losses and the unknown are three different things."""
    for number, (saved, expected) in enumerate(((2_700_000, "0.002700000"), (-5, "-0.000000005"), (None, None))):
        found = await told(tmp_path / str(number), a_call(cost=Cost("priced", 5, cache_saved=saved)), [])
        assert found["cost"]["cache_saved_usd"] == expected
