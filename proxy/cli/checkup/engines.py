"""The engines this runs on: Python, the HTTP library and its parser, SQLite."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from proxy.cli.checkup.finding import Finding, fail, ok, warn

PYTHON = (3, 11)
AIOHTTP = (3, 14, 3)
Numbers = tuple[int, ...]


def engines() -> Iterator[Finding]:
    """One finding for each engine."""
    yield python(sys.version_info[:3])
    try:
        yield aiohttp(version("aiohttp"), c_parser=_has_c_parser())
    except PackageNotFoundError:
        yield fail("aiohttp", "aiohttp is not installed", "Install Tollbook again.")
    yield sqlite(sqlite3.sqlite_version_info)


def python(found: Numbers) -> Finding:
    """Whether this Python is new enough."""
    if found[:2] >= PYTHON:
        return ok("python", f"Python {_dotted(found)}")
    return fail("python", f"Python {_dotted(found)} is too old", f"Use Python {_dotted(PYTHON)} or later.")


def aiohttp(found: str, *, c_parser: bool) -> Finding:
    """Whether the HTTP library is a safe version, and reads requests with its C parser."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:3])
    if numbers < AIOHTTP:
        return fail(
            "aiohttp", f"aiohttp {found} has known security holes", f"Install aiohttp {_dotted(AIOHTTP)} or later."
        )
    if not c_parser:
        return warn(
            "aiohttp",
            f"aiohttp {found} reads HTTP with its Python parser, which is slower and more lenient",
            "Install a wheel of aiohttp for this platform, and unset AIOHTTP_NO_EXTENSIONS.",
        )
    return ok("aiohttp", f"aiohttp {found}, with its C parser")


def sqlite(found: Numbers) -> Finding:
    """Whether SQLite has the WAL-reset bug (https://sqlite.org/wal.html)."""
    fixed = found >= (3, 51, 3) or found < (3, 7, 0) or found in {(3, 44, 6), (3, 50, 7)}
    if fixed:
        return ok("sqlite", f"SQLite {_dotted(found)}")
    return warn(
        "sqlite",
        f"SQLite {_dotted(found)} can lose rows when two connections write at once; `serve` writes with one only",
        "Let no other program write to book.db; SQLite 3.51.3 or later has the fix.",
    )


def _has_c_parser() -> bool:
    from aiohttp import http_parser

    return find_spec("aiohttp._http_parser") is not None and http_parser.HttpRequestParser.__module__.endswith(
        "_http_parser"
    )


def _dotted(numbers: Numbers) -> str:
    return ".".join(map(str, numbers))
