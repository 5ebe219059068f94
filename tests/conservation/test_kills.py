"""A short run of the kill rounds; `make endurance` does hundreds."""

import random
from pathlib import Path
from uuid import UUID

import pytest

from tests.books import a_book, a_call, call_id
from tests.conservation.load import Seen
from tests.conservation.oracle import judge
from tests.conservation.rounds import run


@pytest.mark.timeout(300)
async def test_what_was_received_is_in_the_book_whoever_is_killed(tmp_path: Path) -> None:
    """Under kill -9 of workers, store and parent, and under reloads, each answer received in full is in the book, once,
    and no other."""
    course = await run(tmp_path / "data", 8, clients=8, seed=random.randrange(10**6))
    assert course.verdict is not None
    assert course.verdict.broken == []
    assert course.rounds == 8
    assert course.received > 50


def test_the_oracle_sees_what_is_wrong(tmp_path: Path) -> None:
    """A lost, a doubled, an invented, a cut and a miscounted call are each named."""
    one = a_call(user="asked", upstream_request_id="issued-1", call_id=call_id(1))
    twice = [a_call(user="twice", call_id=call_id(number)) for number in (2, 3)]
    cut = a_call(user="cut", outcome="interrupted", upstream_request_id="issued-2", call_id=call_id(9))
    a_book(tmp_path, [one, *twice, a_call(user="invented"), cut])
    ids = {number: str(UUID(bytes=call_id(number))) for number in (1, 9)}
    seen = Seen(
        sent={"asked", "twice", "cut", "lost"},
        received={"asked": (ids[1], "issued-1"), "lost": ("nowhere", "issued-3"), "cut": (ids[9], "issued-2")},
    )
    health = {"received": 9, "stored": 6, "waiting": 0, "open": 0, "repeats": 0, "lost": {"total": 1, "disk": 1}}
    found = "\n".join(
        judge(tmp_path, seen, {"issued-1": "asked", "issued-2": "cut", "issued-3": "lost"}, health).broken
    )
    for claim in (
        "a request is in the book twice", "nobody sent", "is not in the book", "is interrupted in the book",
        "do not balance", "counted as stored", "lost, though", "has not its tokens", "reached the upstream is not",
    ):  # fmt: skip
        assert claim in found, found
