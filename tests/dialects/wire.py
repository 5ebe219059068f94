"""The cases of tests/wire: one exchange each, beside the reading it must give."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from store.call import Reading, Tokens, Units
from store.dialects import Document, read
from tests.dialects.framing import frame

FOLDER = Path(__file__).parent.parent / "wire"


@dataclass(frozen=True)
class Case:
    """A body that is a list of strings is the lines of a text; anything else is JSON."""

    name: str
    dialect: str
    method: str
    target: str
    request_headers: tuple[tuple[str, str], ...]
    request: bytes
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response: bytes
    expected: dict[str, Any]

    def read(self, response: Document | None = None, request: Document | None = None) -> Reading:
        return read(
            self.dialect,
            self.method,
            self.target,
            self.request_headers,
            request or Document(self.request),
            self.status,
            self.response_headers,
            response or Document(self.response),
        )


def cases() -> list[Case]:
    return [_case(path) for path in sorted(FOLDER.glob("*/*.json")) if "reading" in json.loads(path.read_text())]


def _case(path: Path) -> Case:
    told = json.loads(path.read_text())
    return Case(
        name=f"{path.parent.name}/{path.stem}: {told['claim']}",
        dialect=told["dialect"],
        method=told["method"],
        target=told["target"],
        request_headers=tuple(told["request_headers"].items()),
        request=b"" if told["request"] is None else _body(told["request"]),
        status=told["status"],
        response_headers=tuple(told["response_headers"].items()),
        response=_body(told["response"]),
        expected=told["reading"],
    )


def _body(told: Any) -> bytes:
    if isinstance(told, list) and all(isinstance(line, str) for line in told):
        return "\n".join(told).encode() + (b"\n" if len(told) > 1 else b"")
    if isinstance(told, dict) and list(told) == ["frames"]:
        return b"".join(frame(event, payload) for event, payload in told["frames"])
    return json.dumps(told).encode()


def as_told(reading: Reading) -> dict[str, Any]:
    """A reading in the notation of the cases."""
    told = asdict(reading)
    told["error"] = None if reading.error is None else asdict(reading.error)
    told["anomalies"] = list(reading.anomalies)
    told["reported_cost_usd"] = None if reading.reported_cost_usd is None else str(reading.reported_cost_usd)
    told["units"] = _known(reading.units)
    told["tokens"] = None if reading.tokens is None else _known(reading.tokens)
    told["portions"] = [
        {
            **asdict(portion),
            "tokens": None if portion.tokens is None else _known(portion.tokens),
            "units": _known(portion.units),
        }
        for portion in reading.portions
    ]
    return told


def _known(counts: Tokens | Units) -> dict[str, Any]:
    """What is told; a decimal as its digits."""
    return {
        name: str(count) if isinstance(count, Decimal) else count
        for name, count in asdict(counts).items()
        if count is not None
    }
