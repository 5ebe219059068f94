"""Plays cases to both clients."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.upstream.asker import OwnAsker
from proxy.upstream.by_aiohttp import AiohttpAsker
from tests.upstream.asking import SILENCE_S, Seen, playing, seen
from tests.upstream.cases import Case, case
from tests.upstream.explained import explained

# A machine that stalls makes silences of its own: longer ones rule it out.
_SILENCES_S = (SILENCE_S, SILENCE_S, 1.0, 5.0)


@dataclass
class Finding:
    """A difference nobody has explained."""

    seed: str
    case: Case
    ours: Seen
    theirs: Seen


@dataclass
class Course:
    """What was found."""

    played: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


async def run(
    seed: int, *, most: int | None = None, minutes: float = 1e9, tell: Callable[[Course], None] = lambda _: None
) -> Course:
    """Play so many cases, or for so long; the same seed gives the same cases."""
    course, until = Course(), time.monotonic() + minutes * 60
    async with playing() as player:
        while (most is None or course.played < most) and time.monotonic() < until and len(course.findings) < 20:
            own, theirs = OwnAsker(), AiohttpAsker()  # anew now and then: pooled connections carry what came before
            try:
                for _ in range(50):
                    named = f"{seed}-{course.played}"
                    one = case(random.Random(named))
                    for silence_s in _SILENCES_S:
                        mine = await seen(own, player, one, silence_s)
                        player.hang_up()
                        other = await seen(theirs, player, one, silence_s)
                        player.hang_up()
                        why = explained(one, mine, other)
                        if why is not None:
                            break
                    course.played += 1
                    if why is None:
                        course.findings.append(Finding(named, one, mine, other))
                    else:
                        course.explained[why] += 1
            finally:
                await own.close()
                await theirs.close()
            tell(course)
    return course
