"""What must hold of the book, whatever died: what was received is recorded, each call once, nothing is invented, and
the counters balance.

A call may be lost only if its worker died before its first note was in the file: the upstream has not seen it then, its
client got nothing, and it is counted as `unwritten`.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.conservation.load import Seen

_ROWS = """
select lower(substr(hex(call_id), 1, 8) || '-' || substr(hex(call_id), 9, 4) || '-' || substr(hex(call_id), 13, 4)
         || '-' || substr(hex(call_id), 17, 4) || '-' || substr(hex(call_id), 21)),
       user, upstream_request_id, outcome, status, total_tokens, error_type
  from calls where boot_id <> 'earlier'"""
EARLIER = "earlier"
"""The run of calls that were in the book before, and may have been pruned meanwhile."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    rows: int
    outcomes: Mapping[str, int]
    broken: list[str] = field(default_factory=list)  # claims that do not hold, each with its case


def judge(
    data_dir: Path, seen: Seen, issued: Mapping[str, str], health: Mapping[str, Any], *, earlier: int = 0
) -> Verdict:
    """Hold the book against what the clients and the upstream know, when nothing runs or waits any more.

    `earlier`: how many calls of the run `EARLIER` were ever in the book, received and stored.
    """
    uri = f"file:{quote(str(data_dir / 'book.db'))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        rows = connection.execute(_ROWS).fetchall()
        sums = [connection.execute(f"select coalesce(sum(calls), 0) from {table}").fetchone()[0] - earlier
                for table in ("day_sums", "quarter_models", "hour_keys")]  # fmt: skip
    broken: list[str] = []

    def hold(claim: str, wrong: list[Any]) -> None:
        if wrong:
            broken.append(f"{claim}: {len(wrong)}, such as {wrong[0]!r}")

    by_id = Counter(row[0] for row in rows)
    hold("a call is in the book twice", [one for one, times in by_id.items() if times > 1])
    by_user = {row[1]: row for row in rows if row[1] is not None}
    users = Counter(row[1] for row in rows if row[1] is not None)
    hold("a request is in the book twice", [one for one, times in users.items() if times > 1])
    hold("a row is of a request that nobody sent", [user for user in by_user if user not in seen.sent])
    numbers = [(row[2], row[1]) for row in rows if row[2] is not None and row[2].startswith("issued-")]
    hold("a row has a number that was not issued for it",
         [one for one in numbers if issued.get(one[0]) != one[1] and one[1] is not None])  # fmt: skip
    for request, (call_id, number) in seen.received.items():
        row = by_user.get(request)
        if row is None:
            broken.append(f"a received answer is not in the book: {request} {call_id} {number}")
        elif (row[0], row[2]) != (call_id, number):
            broken.append(f"a received answer is another in the book: {request} {row}")
        elif row[3] != "completed":
            broken.append(f"a received answer is {row[3]} in the book: {request} {row}")
        elif row[4] == 200 and row[5] != 15:
            broken.append(f"a received answer has not its tokens in the book: {request} {row}")
    stored = health["stored"] - earlier
    balance = stored + health["waiting"] + health["open"] + health["lost"]["total"]
    if health["received"] - earlier != balance or health["waiting"] or health["open"]:
        broken.append(f"the counters do not balance: {dict(health)}")
    if stored != len(rows) + health["repeats"]:
        broken.append(f"{stored} are counted as stored, {len(rows)} are there")
    unwritten = health["lost"].get("unwritten", 0)
    if health["lost"]["total"] != unwritten or unwritten > seen.cut:
        broken.append(f"lost, though the disk never failed: {health['lost']}, with {seen.cut} cut")
    unnamed = sum(row[1] is None for row in rows)  # cut before the request was noted, which names it
    hold(
        "a request that reached the upstream is not in the book", sorted(set(issued.values()) - set(by_user))[unnamed:]
    )
    if any(one != len(rows) + health["repeats"] for one in sums):
        broken.append(f"the sums say {sums}, there are {len(rows)} rows")
    return Verdict(len(rows), Counter(row[3] for row in rows), broken)
