"""A call is found by its own id, which its client was told, and by the id that the provider gave the request."""

from pathlib import Path
from uuid import UUID

import pytest

from store.filters import GROUPING, PAGING, parse
from store.moments import at
from store.questions import logs, stats
from store.questions.call import call
from store.reader import Reader
from tests.books import NOON_US, a_book, a_call

NOW = at(NOON_US)
AZURE = "3f1c7a52-9d0e-4c55-8f0a-0d5f7f6f3f21"  # its request ids look like ours


@pytest.fixture
def book(tmp_path: Path) -> Path:
    ids = ("req_011CSHoEeqs5C35K2UUqR7Fy", AZURE, "req_other", None)
    return a_book(tmp_path, [a_call(upstream_request_id=one, finish_reason=one) for one in ids])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["req_011CSHoEeqs5C35K2UUqR7Fy"], ["req_011CSHoEeqs5C35K2UUqR7Fy"]),
        ([AZURE], [AZURE]),
        (["req_*"], ["req_other", "req_011CSHoEeqs5C35K2UUqR7Fy"]),
        (["req_*", "!req_other"], ["req_011CSHoEeqs5C35K2UUqR7Fy"]),
        (["!*"], [None]),
        (["req_nobody"], []),
    ],
)
async def test_by_the_providers_id(book: Path, asked: list[str], found: list[str | None]) -> None:
    """The id that the provider names in its headers and errors finds its call, whole or by a pattern."""
    async with Reader.open(book) as reader:
        params = [("request_id", one) for one in asked]
        rows = (await logs(reader, parse(params, NOW, also=PAGING)))["logs"]
        told = [(await call(reader, row["id"]) or {})["upstream_request_id"] for row in rows]
        assert told == found
        assert (await stats(reader, parse(params, NOW, also=GROUPING)))["total"]["calls"] == len(found)


async def test_by_its_own_id(book: Path) -> None:
    """What x-tollbook-call-id told finds that call alone, in any spelling of it, and excluding it finds the others."""
    async with Reader.open(book) as reader:
        all_ids = [row["id"] for row in (await logs(reader, parse([], NOW, also=PAGING)))["logs"]]
        for one in (all_ids[2], all_ids[2].upper(), UUID(all_ids[2]).hex):
            found = (await logs(reader, parse([("request_id", one)], NOW, also=PAGING)))["logs"]
            assert [row["id"] for row in found] == [all_ids[2]]
        others = (await logs(reader, parse([("request_id", f"!{all_ids[2]}")], NOW, also=PAGING)))["logs"]
        assert [row["id"] for row in others] == [one for one in all_ids if one != all_ids[2]]
