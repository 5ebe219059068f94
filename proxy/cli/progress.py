"""How far an export, a repricing or a pruning is: a bar on stderr."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.filters import Filter
    from store.reader import Source

Advance = Callable[[int], None]


@asynccontextmanager
async def progress(source: "Source", wanted: "Filter") -> AsyncIterator[Advance]:
    """A function that is told how many more calls are done."""
    with bar(await expected(source, wanted)) as advance:
        yield advance


@contextmanager
def bar(total: int | None, what: str = "calls") -> Iterator[Advance]:
    """The same where it is known how many there will be, or that this is not known."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    drawn = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    )  # fmt: skip
    with drawn:
        task = drawn.add_task(what, total=total)
        yield lambda calls: drawn.advance(task, calls)
        drawn.update(task, total=drawn.tasks[0].completed)


async def expected(source: "Source", wanted: "Filter") -> int | None:
    """How many calls there will be; None when counting them takes too long."""
    from store.questions import stats
    from store.reader import NoAnswer

    try:
        told = await stats(source, wanted)
    except NoAnswer:
        return None
    return told["total"]["calls"] if told.get("complete", True) else None
