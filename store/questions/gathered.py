"""What was read for a question about sums, and the groups it adds up to.

Reading needs the book, adding up does not: it is done when the snapshot is over, so that it keeps nobody waiting.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from store.filters import TIME_UNITS, WrongFilter
from store.questions.local_time import label
from store.questions.tally import Tally
from store.reader import Row

MOST_GROUPS = 50_000

Group = tuple[object, ...]
"""One value for each name that is grouped by: the label of a time, the id of a dimension, else what the row has."""

Shares = Iterable[tuple[tuple[str, ...], int]]
"""To which labels something is added (1), and from which it is taken away (-1)."""


class TooManyGroups(WrongFilter):
    """Nobody reads so long an answer, and it would fill the memory."""

    def __init__(self) -> None:
        super().__init__("by", f"more than {MOST_GROUPS} groups; narrow the time or group by less")


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of one statement: the number of a stretch, the columns of the groups, sums, two histograms.

    Where the stretches do not tell the labels, columns of local time come first, so many for each unit.
    """

    rows: Sequence[Row]
    columns: int
    histogram: Callable[[str | None], int]
    shares: Sequence[Shares] = ()
    times: Sequence[tuple[str, int]] = ()

    def found(self) -> Iterator[tuple[Shares, tuple[object, ...], Sequence[int], int, int]]:
        """Each row as shares, values beside the time, sums and histograms."""
        timed = sum(count for _, count in self.times)
        for row in self.rows:
            numbers = row[1 + self.columns :]
            shares = self.shares[row[0]] if self.shares else ((self._labels(row), 1),)
            values = row[1 + timed : 1 + self.columns]
            yield shares, values, numbers[:-2], self.histogram(numbers[-2]), self.histogram(numbers[-1])

    def _labels(self, row: Row) -> tuple[str, ...]:
        values = iter(row[1:])
        return tuple(label(unit, *(next(values) for _ in range(count))) for unit, count in self.times)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read; `read_back_to_us` is where the reading stopped for want of time."""

    by: tuple[str, ...]
    readings: Sequence[Reading] = field(default_factory=list)
    read_back_to_us: int | None = None

    def groups(self) -> dict[Group, Tally]:
        """The groups that have calls.

        Raises:
            TooManyGroups: there are too many.
        """
        tallies: dict[Group, Tally] = {}
        for reading in self.readings:
            for shares, values, added, durations, first_tokens in reading.found():
                for labels, sign in shares:
                    group = self._group(labels, values)
                    tally = tallies.get(group)
                    if tally is not None:
                        tally.add(added, durations, first_tokens, sign)
                    elif len(tallies) < MOST_GROUPS:
                        tallies[group] = Tally.of(added, durations, first_tokens, sign)
                    else:
                        raise TooManyGroups
        # Without those that everything was taken from again.
        return {group: tally for group, tally in tallies.items() if tally.calls}

    def _group(self, labels: tuple[str, ...], values: tuple[object, ...]) -> Group:
        if len(labels) == 1 and self.by[0] in TIME_UNITS:
            return labels + values
        times, others = iter(labels), iter(values)
        return tuple(next(times) if name in TIME_UNITS else next(others) for name in self.by)
