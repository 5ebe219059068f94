"""Recorded sessions with real providers, read from outside of this repository; and their sums, computed apart.

The sums here are plain totals taken from the recorded frames, without any of the code that is tested.
"""

import json
import lzma
import os
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parents[2]
_FILE = "realtime_ws.jsonl.xz"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One session: who said what, in order."""

    number: int
    provider: str
    origin: str
    frames: tuple[tuple[bool, Any], ...]  # by the client?, the message

    @property
    def google(self) -> bool:
        """Whether it is of Gemini's Live API."""
        return any("setup" in message for by_client, message in self.frames if by_client)

    @property
    def received(self) -> list[Any]:
        """What the upstream said."""
        return [message for by_client, message in self.frames if not by_client]

    @property
    def model(self) -> str:
        """The model it is with."""
        if self.google:
            asked = next(message["setup"]["model"] for by_client, message in self.frames if by_client)
            return str(asked).split("/")[-1]
        return next(str(one["session"]["model"]) for one in self.received if "session" in one)


def where() -> Path | None:
    """The file of recordings, if it is there."""
    found = Path(os.environ.get("TOLLBOOK_CORPUS", _HERE / "../shared/corpus")) / _FILE
    return found if found.is_file() else None


@cache
def sessions(found: Path) -> tuple[Recorded, ...]:
    """All of them."""
    with lzma.open(found, "rt", encoding="utf-8") as lines:
        return tuple(
            Recorded(
                number,
                session["provider"],
                session["source_path"],
                tuple((one["direction"] == "sent", one["data"]) for one in session["frames"]),
            )
            for number, session in enumerate(map(json.loads, lines))
        )


def totals(session: Recorded) -> dict[str, int]:
    """What the responses of a session used together, by what their usage objects say."""
    sums = dict.fromkeys(("input", "output", "total", "cached", "audio_in", "audio_out", "cached_audio"), 0)
    for message in session.received:
        usage = _usage(message)
        if usage is None:
            continue
        if session.google:
            _add_google(sums, usage)
            continue
        into, out = usage["input_token_details"], usage["output_token_details"]
        sums["input"] += usage["input_tokens"]
        sums["output"] += usage["output_tokens"]
        sums["total"] += usage["total_tokens"]
        sums["cached"] += into.get("cached_tokens", 0)
        sums["audio_in"] += into["audio_tokens"]
        sums["audio_out"] += out["audio_tokens"]
        sums["cached_audio"] += into.get("cached_tokens_details", {}).get("audio_tokens", 0)
    return sums


def heard(session: Recorded) -> dict[str, Decimal]:
    """What the transcription of spoken input used: tokens in all, and seconds."""
    told = [one["usage"] for one in session.received if str(one.get("type")).endswith("transcription.completed")
            and one.get("usage")]  # fmt: skip
    return {
        "tokens": Decimal(sum(one.get("total_tokens", 0) for one in told)),
        "seconds": Decimal(sum(one.get("seconds", 0) for one in told)),
    }


def billed_seconds(session: Recorded) -> int:
    """Seconds of audio that xAI says it bills."""
    return sum((_usage(one) or {}).get("billable_audio_seconds", 0) for one in session.received)


def _usage(message: dict[str, Any]) -> dict[str, Any] | None:
    if "usageMetadata" in message:
        return dict(message["usageMetadata"])
    if message.get("type") != "response.done":
        return None
    return dict(message.get("usage") or message["response"]["usage"])


def _add_google(sums: dict[str, int], usage: dict[str, Any]) -> None:
    sums["input"] += usage["promptTokenCount"]
    sums["output"] += usage.get("responseTokenCount", usage.get("candidatesTokenCount", 0))
    sums["total"] += usage["totalTokenCount"]
    out = usage.get("responseTokensDetails", usage.get("candidatesTokensDetails", []))
    sums["audio_in"] += _audio(usage["promptTokensDetails"])
    sums["audio_out"] += _audio(out)


def _audio(details: Iterable[dict[str, Any]]) -> int:
    return sum(one.get("tokenCount", 0) for one in details if one["modality"] == "AUDIO")
