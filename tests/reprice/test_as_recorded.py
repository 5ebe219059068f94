"""What a row keeps is enough: charged anew, every recorded exchange says what it would have said from the beginning."""

from decimal import Decimal
from pathlib import Path

import pytest

from proxy.config.model import Config, Group, PriceEntry
from store.book import Book, Entry
from store.call import Call
from store.charging import Tariff
from store.metering import Meter
from tests.recordings.corpus import recordings, where
from tests.recordings.test_cost import UPSTREAMS, call_of
from tests.reprice.test_repricing import assert_sums_are_of_the_rows, charged, rows, told

OWN = (
    PriceEntry("*", "gpt-*", input=Decimal("1.25"), output=Decimal("7.5"), web_search=Decimal("0.01"), free=False),
    PriceEntry("anthropic", "*", input=Decimal(3), cache_read=Decimal("0.3"), output=Decimal(15), request=Decimal(1)),
    PriceEntry("*", "*image*", image=Decimal("0.04")),
    PriceEntry("*", "*whisper*", second=Decimal("0.0001")),
    PriceEntry("*", "*tts*", character=Decimal("0.00001")),
    PriceEntry("groq", "*", free=True),
)
GROUPS = {"default": Group("default", Decimal("1.5"), unpriced_usd_per_million=Decimal(4))}
BEFORE = Config(upstreams=UPSTREAMS)
AFTER = Config(upstreams=UPSTREAMS, prices=OWN, groups=GROUPS)


def recorded(config: Config) -> list[Call]:
    found = where()
    if found is None:
        pytest.skip("no recordings: TOLLBOOK_CORPUS names no folder with open.jsonl.xz")
    meter = Meter(config)
    return [call_of(meter, recording) for recording in recordings(found)]


async def test_the_same_prices_change_nothing(tmp_path: Path) -> None:
    """Charged anew by the prices it was recorded with, no exchange of the recordings changes."""
    with Book(tmp_path) as book:
        book.add([Entry(call) for call in recorded(BEFORE)])
    done = await charged(tmp_path, Tariff.of(BEFORE))
    assert (done.number, done.changed) == (None, 0)
    assert done.looked_at > 1500


async def test_other_prices_make_the_rows_that_they_would_have_made(tmp_path: Path) -> None:
    """Charged anew by other prices, each exchange says what it says where it is recorded with them."""
    before, after = recorded(BEFORE), recorded(AFTER)
    with Book(tmp_path) as book:
        book.add([Entry(call) for call in before])
    done = await charged(tmp_path, Tariff.of(AFTER))
    found = rows(tmp_path)
    changed = 0
    for old, new in zip(before, after, strict=True):
        if found[old.call_id] == told(old):  # then it is the same money, or the provider's word
            assert old.cost.state == "reported" or (old.cost.nano_usd, old.cost.lines) == (
                new.cost.nano_usd, new.cost.lines
            ), old.call_id  # fmt: skip
            continue
        changed += 1
        assert found[old.call_id] == told(new)
    assert changed == done.changed > 500
    assert_sums_are_of_the_rows(tmp_path)
