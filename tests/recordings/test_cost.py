"""The cost of every recorded exchange is what the published lists' own arithmetic makes of what its provider reported,
to the nano-dollar; and where it is not, there is a reason with a name."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from genai_prices.data_snapshot import get_snapshot

from proxy.config.model import Config
from proxy.journal.notes import Asked, Body, Ended, Started
from store.call import Call
from store.metering import Meter, Noted
from tests.recordings.corpus import Recording, recordings, where
from tests.recordings.published import Published, billed_by, published
from tests.recordings.reported import reported
from tests.recordings.table import show
from tests.recordings.upstreams import upstreams_at

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
UPSTREAMS = upstreams_at("http://127.0.0.1:9", asks=False)
PROVIDERS = {
    "azure-openai": "azure", "azure-ai": "azure", "bedrock": "aws", "vertex": "google", "gemini": "google",
    "voyage": "voyageai", "xai": "x-ai",
}  # fmt: skip

REASONS: dict[str, Callable[[Call, Published | None], bool]] = {
    "the provider said what it cost": lambda call, theirs: call.cost.state == "reported",
    "a tool's searches have no rate in the list, so all of it is unknown": lambda call, theirs: (
        call.cost.state == "unknown" and theirs is not None and bool(theirs.units["web_searches"])
    ),
    "the models behind an agent do not add up to what it used, so all of it is unknown": lambda call, theirs: (
        call.cost.state == "unknown" and theirs is not None and not theirs.adds_up
    ),
    "the list has an entry without any rate, which is no price": lambda call, theirs: (
        call.cost.state == "unknown" and theirs is not None and not theirs.rated
    ),
}
"""Why a cost may be another one than that of the lists."""


def provider_of(recording: Recording) -> str:
    """Whose list it is; behind Hugging Face's router that of the seller, by the address as the package knows it."""
    if recording.upstream == "huggingface":
        address = f"https://router.huggingface.co{recording.target}"
        behind = [one.id for one in get_snapshot().providers if re.match(one.api_pattern, address)]
        return behind[0] if behind else recording.upstream
    return PROVIDERS.get(recording.upstream, recording.upstream)


def call_of(meter: Meter, recording: Recording) -> Call:
    """The row of this exchange, had it taken place at noon."""
    call_id = recording.number.to_bytes(16, "big")
    started = Started(
        call_id=call_id,
        seq=recording.number,
        received_at_us=int(NOON.timestamp() * 1_000_000),
        upstream=recording.upstream,
        dialect=UPSTREAMS[recording.upstream].dialect,
        method=recording.method,
        target=recording.target,
        key=None,
        group="default",
        client="127.0.0.1",
        headers=recording.request_headers,
    )
    ended = Ended(
        call_id,
        "completed",
        recording.status,
        1000,
        headers=recording.response_headers,
        body=Body(len(recording.response), recording.response),
        sent=len(recording.response),
    )
    asked = Asked(call_id, Body(len(recording.request), recording.request))
    return meter.meter(Noted("boot", started, asked, ended)).call


def test_costs_are_those_of_the_lists(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever tokens or units were reported, the cost is theirs, or both are unknown, or a named reason is true."""
    found = where()
    if found is None:
        pytest.skip("no recordings: TOLLBOOK_CORPUS names no folder with open.jsonl.xz")
    meter = Meter(Config(upstreams=UPSTREAMS))
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for recording in recordings(found):
        told = reported(recording, recording.response)
        if told.tokens is None and not (recording.method == "POST" and billed_by(recording.response)):
            continue
        call = call_of(meter, recording)
        provider = provider_of(recording)
        theirs = published(told, recording.response, provider, NOON)
        if call.cost.nano_usd == (None if theirs is None else theirs.nano):
            seen["equal to those of the lists" if theirs is not None else "that neither knows"] += 1
            continue
        reasons = [name for name, holds in REASONS.items() if holds(call, theirs)]
        seen.update(reasons)
        if not reasons:
            lines = [(line.kind, str(line.count), str(line.rate)) for line in call.cost.lines]
            wrong.append(f"{recording.name}: {call.cost.state} {call.cost.nano_usd} {lines}, theirs is {theirs}")
    with capsys.disabled():
        show(pytestconfig, (f"costs: {count} {what}" for what, count in seen.most_common()))
    assert not wrong, "\n".join(wrong)
    assert seen["equal to those of the lists"] > 1500
    assert set(REASONS) <= set(seen), seen
