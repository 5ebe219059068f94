"""How the time of one call divides into stretches that follow each other: the bar on its page."""

from dataclasses import dataclass
from typing import Literal

from store.pace.measured import Measured

PartName = Literal["sending", "overhead", "passing_on", "waiting", "first_token", "streaming"]

MEANINGS: dict[PartName, str] = {
    "sending": "the client was still sending its request",
    "overhead": "inside Tollbook, before the upstream was asked",
    "passing_on": "the rest of the request being passed on, as it came",
    "waiting": "for the upstream to begin its answer",
    "first_token": "from the upstream's headers to the first piece of its answer",
    "streaming": "the answer coming in, to its end",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch, in whole microseconds."""

    part: PartName
    us: int

    @property
    def means(self) -> str:
        return MEANINGS[self.part]


def parts(call: Measured) -> list[Part]:
    """The stretches that are known, in order; together they are the duration. Empty when nothing tells them apart."""
    if call.duration_us is None or call.asked_us is None:
        return []
    end = call.duration_us
    asked = min(call.asked_us, end)
    overhead = min(call.overhead_us if call.overhead_us is not None else asked, asked)
    stretches: list[tuple[PartName, int]] = [("sending", asked - overhead), ("overhead", overhead)]
    reached = asked
    if call.uploaded_us is not None:
        begun = end if call.answered_us is None else min(max(call.answered_us, asked), end)
        reached = min(max(call.uploaded_us, asked), begun)
        stretches.append(("passing_on", reached - asked))
    if call.answered_us is None:
        stretches.append(("waiting", end - reached))
        reached = end
    else:
        answered = min(max(call.answered_us, reached), end)
        stretches.append(("waiting", answered - reached))
        reached = answered
        if call.first_token_us is not None:
            first = min(max(call.first_token_us, reached), end)
            stretches.append(("first_token", first - reached))
            reached = first
        stretches.append(("streaming", end - reached))
    return [Part(name, us) for name, us in stretches if us]
