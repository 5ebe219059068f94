"""How far an export is: a bar on stderr."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.filters import Filter
    from store.reader import Source

Advance = Callable[[int], None]


@asynccontextmanager
async def progress(source: "Source", wanted: "Filter") -> AsyncIterator[Advance]:
    """A function that is told how many more calls are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    total = await _expected(source, wanted)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    )  # fmt: skip
    with bar:
        task = bar.add_task("calls", total=total)
        yield lambda calls: bar.advance(task, calls)
        bar.update(task, total=bar.tasks[0].completed)


async def _expected(source: "Source", wanted: "Filter") -> int | None:
    """How many calls there will be; None when counting them takes too long."""
    from store.questions import stats
    from store.reader import NoAnswer

    try:
        told = await stats(source, wanted)
    except NoAnswer:
        return None
    return told["total"]["calls"] if told.get("complete", True) else None
