"""What is printed, and how: for a person on a terminal, for a pipe, for a program.

On a terminal tables fit the width: columns leave in the order a command names, then the widest text is cut. In a pipe
nothing is coloured, wrapped or cut. `--json` is one document, the one that the query endpoint answers.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from proxy.cli.output import knows_all
from proxy.cli.wording import UNKNOWN
from proxy.harmless import ascii_json, harmless, harmless_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_NO_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One value in a table; anything is made harmless before it is shown."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    heading: str
    justify: Literal["left", "right"] = "left"
    leaves: int = 0  # on a narrow terminal the column with the highest number goes first; 0 always stays
    cut: int = 0  # its text may be shortened to this many characters; 0: never


def on_terminal() -> bool:
    """Whether a person is looking."""
    return sys.stdout.isatty()


def console() -> "Console":
    """Where a person reads; a pipe gets the same text without colour or limit."""
    from rich.console import Console

    class Quiet(Console):
        def on_broken_pipe(self) -> None:
            """Leave the end of a closed pipe to `main`; rich would exit with status 1."""
            raise BrokenPipeError

    return Quiet(highlight=False, markup=False, emoji=False, width=None if on_terminal() else _NO_LIMIT)


def width() -> int:
    """How many characters fit on a line."""
    return console().width


def text(value: str, style: str = "", *, lines: bool = False) -> "Text":
    """A value as it may be shown; unknown is dim."""
    from rich.text import Text

    return Text(harmless(value, lines=lines), style=style or ("dim" if value == UNKNOWN else ""))


def folded(value: str, indent: int) -> list[str]:
    """The value as lines that fit beside an indent on a terminal; whole in a pipe."""
    if not value:
        return []
    return wrap(harmless(value), max(20, width() - indent)) if on_terminal() else [harmless(value)]


def print_json(document: object) -> None:
    """One JSON document on stdout: indented for a person, on one line for a program."""
    import orjson

    options = orjson.OPT_INDENT_2 if on_terminal() else 0
    _write_json(orjson.dumps(document, option=options).decode())


def print_json_line(document: object) -> None:
    """One JSON document on one line, sent at once: for output that goes on."""
    import orjson

    _write_json(orjson.dumps(document).decode())
    sys.stdout.flush()


def _write_json(document: str) -> None:
    sys.stdout.write((harmless_json if knows_all() else ascii_json)(document) + "\n")


def fits(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether a person's terminal is wide enough for all of this table."""
    return sum(_widths(columns, rows)) + 2 * (len(columns) - 1) <= width()


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, headings: bool = True) -> None:
    """The rows under their headings, fitted to whoever reads."""
    out = console()
    cleaned = [[Cell(harmless(cell.text), cell.style) for cell in row] for row in rows]
    widths = _widths(columns, rows, headings=headings)
    fitted = fit(columns, widths, out.width)
    if headings:
        out.print(_line([Cell(column.heading, "bold") for column in columns], columns, fitted), soft_wrap=True)
    for row in cleaned:
        out.print(_line(row, columns, fitted), soft_wrap=True)


_USUAL = {
    "Time": 8,
    "Usage": 7,
    "Model": 22,
    "Duration": 8,
    "Tokens": 15,
    "Cost": 9,
    "Status": 15,
    "Key": 13,
    "Type": 10,
}


def print_running(columns: Sequence[Column], row: Sequence[Cell], widths: dict[int, int]) -> dict[int, int]:
    """One row of a table whose other rows are not known yet. Returns the widths for the next row."""
    out = console()
    cleaned = [Cell(harmless(cell.text), cell.style) for cell in row]
    needed = [_cells(cell.text) for cell in cleaned]
    if not widths:
        usual = [max(_USUAL.get(column.heading, 0), size) for column, size in zip(columns, needed, strict=True)]
        widths = fit(columns, usual, out.width)
        out.print(_line([Cell(column.heading, "bold") for column in columns], columns, widths), soft_wrap=True)
    wider = {place: size if columns[place].cut else max(size, needed[place]) for place, size in widths.items()}
    if not on_terminal():
        wider = {place: max(size, needed[place]) for place, size in widths.items()}
    out.print(_line(cleaned, columns, wider), soft_wrap=True)
    out.file.flush()
    return wider


def fit(columns: Sequence[Column], widths: Sequence[int], available: int) -> dict[int, int]:
    """Which columns are shown, and how wide: {place: width}."""
    shown = dict(enumerate(widths))

    def excess() -> int:
        return sum(shown.values()) + 2 * (len(shown) - 1) - available

    def give() -> int:
        return sum(max(0, shown[place] - columns[place].cut) for place in shown if columns[place].cut)

    leaving = sorted((place for place in shown if columns[place].leaves), key=lambda place: -columns[place].leaves)
    for place in leaving:
        if excess() <= give():
            break
        del shown[place]
    while excess() > 0:
        cuttable = [place for place in shown if 0 < columns[place].cut < shown[place]]
        if not cuttable:
            break
        widest = max(cuttable, key=lambda place: shown[place])
        shown[widest] -= 1
    return shown


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, headings: bool = True) -> list[int]:
    return [
        max(_cells(column.heading) if headings else 0, *(_cells(harmless(row[place].text)) for row in rows), 0)
        for place, column in enumerate(columns)
    ]


def _line(row: Sequence[Cell], columns: Sequence[Column], widths: dict[int, int]) -> "Text":
    from rich.text import Text

    line = Text()
    for place, size in widths.items():
        cell = text(row[place].text, row[place].style)
        if _cells(cell.plain) > size:
            cell.truncate(size, overflow="ellipsis")
        gap = " " * (size - _cells(cell.plain))
        line.append("  " if line else "")
        line.append_text(Text(gap) + cell if columns[place].justify == "right" else cell + Text(gap))
    line.rstrip()
    return line


def _cells(value: str) -> int:
    from rich.cells import cell_len

    return cell_len(value)
