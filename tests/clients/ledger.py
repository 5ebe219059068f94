"""What the house has written down, and whether it is what happened."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any

import aiohttp

from tests.clients.sample import Counts, Sample
from tests.house import House

RATIO = Decimal("2.5")
PER_USD = Decimal(400)
KEY = "sk-proj-0123456789abcdefWXYZ"
FINGERPRINT = sha256(KEY.encode()).hexdigest()[:8] + "-WXYZ"


@dataclass
class Ledger:
    """One house and its rows so far."""

    house: House
    asking: aiohttp.ClientSession
    count: int = 0

    async def next(self) -> dict[str, Any]:
        """The one row that has come since; fails when none or more have."""
        self.count += 1
        return (await self.house.rows(self.count))[0]

    async def ask(self, path: str, **params: str) -> Any:
        """What the dashboard listener answers."""
        async with self.asking.get(self.house.dashboard + path, params=params) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def details(self, row: dict[str, Any]) -> Any:
        """Everything about a call."""
        return await self.ask(f"/api/logs/{row['id']}")

    async def check(self, sample: Sample, answer: Any, began: datetime) -> dict[str, Any]:
        """The row of a call that went well; fails where it is not what the client saw."""
        row = await self.next()
        told = sample.counts(answer)
        meant = {
            "type": sample.type,
            "requested_model": sample.requested_model,
            "model": sample.model,
            "stream": sample.stream,
            "status": 200,
            "outcome": "completed",
            "error": None,
            "key": FINGERPRINT,
            "group": "default",
            **sample.more,
        }
        assert {name: row[name] for name in meant} == meant
        assert began <= datetime.fromisoformat(row["time"]) <= datetime.now(UTC)
        elapsed_ms = (datetime.now(UTC) - began).total_seconds() * 1000
        assert 0 < row["overhead_ms"] < row["duration_ms"] <= elapsed_ms
        if sample.stream:
            assert 0 < row["first_token_ms"] <= row["duration_ms"]
        check_tokens(row, told)
        check_cost(row, await self.details(row), sample.cost)
        return row


def check_tokens(row: dict[str, Any], told: Counts | None) -> None:
    """The row's tokens are those the client was told of."""
    found = {name: count for name, count in row["tokens"].items() if name != "source"}
    assert found == (told or dict.fromkeys(found))
    assert row["tokens"]["source"] == ("none" if told is None else "reported")


def check_cost(row: dict[str, Any], details: dict[str, Any], state: str) -> None:
    """The cost has this state, its lines add up to it, and the usage follows from it."""
    assert row["cost"]["state"] == state
    assert (row["cost"]["usd"] is None) == (state == "unknown")
    if row["cost"]["usd"] is None:
        assert row["usage"] is None
        return
    cost = Decimal(row["cost"]["usd"])
    lines = details["cost"]["lines"]
    assert cost == _rounded(sum((Decimal(line["usd"]) for line in lines), Decimal()), 9)
    for line in lines:
        per_million = line.get("rate_usd_per_million")
        rate = Decimal(line["rate_usd"]) if per_million is None else Decimal(per_million) / 1_000_000
        assert Decimal(line["usd"]) == Decimal(str(line["count"])) * rate
    if state == "priced":
        assert cost > 0
        assert details["cost"]["price"]["source"] == "genai-prices"
    assert Decimal(str(row["usage"])) == _rounded(cost * RATIO * PER_USD, 6)


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
