"""Finds and reads the configuration file, table by table, and takes note of every mistake on the way.

What is wrong is left out and the rest is kept, so that one reading finds mistakes of all kinds. Says nothing about
how tables fit together: that is `assemble.py` and `conflicts.py`.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from proxy.config import values
from proxy.config.mistakes import ConfigError, Mistake, did_you_mean, entry, place, shown
from proxy.config.tables import (
    ALL,
    NOT_YET,
    CaptureTable,
    CreditsTable,
    DashboardTable,
    GroupTable,
    LogTable,
    PriceTable,
    ProxyTable,
    StoreTable,
    Table,
    UpstreamTable,
    promised,
)

DEFAULT_NAME = "tollbook.toml"
RESERVED = ("healthz", "api", ".", "..")
"""First path segments that are not upstreams: the proxy's own, and two that clients resolve before they ask."""

T = TypeVar("T", bound=Table)


@dataclass(frozen=True, slots=True)
class File:
    """What the file says, without defaults."""

    proxy: ProxyTable
    dashboard: DashboardTable
    store: StoreTable
    capture: CaptureTable
    credits: CreditsTable
    log: LogTable
    upstreams: dict[str, UpstreamTable]
    groups: dict[str, GroupTable]
    prices: tuple[PriceTable, ...]


def find(path: Path | None, cwd: Path, mistakes: list[Mistake]) -> Path | None:
    """The file to read; None for the defaults. A file that was asked for must exist."""
    if path is None:
        found = cwd / DEFAULT_NAME
        return found if found.is_file() else None
    found = cwd / path.expanduser()
    if found.is_file():
        return found
    problem = "is not a file" if found.exists() else "no such file"
    mistakes.append(Mistake("--config", problem, str(path)))
    return None


def read(path: Path | None, mistakes: list[Mistake]) -> File:
    """Everything in the file that can be understood; without a file, nothing."""
    document = {} if path is None else _document(path)
    mistakes += [_unknown("", "", key, value) for key, value in document.items() if key not in ALL]
    return File(
        proxy=_table(ProxyTable, "proxy", "proxy", document.get("proxy", {}), mistakes),
        dashboard=_table(DashboardTable, "dashboard", "dashboard", document.get("dashboard", {}), mistakes),
        store=_table(StoreTable, "store", "store", document.get("store", {}), mistakes),
        capture=_table(CaptureTable, "capture", "capture", document.get("capture", {}), mistakes),
        credits=_table(CreditsTable, "credits", "credits", document.get("credits", {}), mistakes),
        log=_table(LogTable, "log", "log", document.get("log", {}), mistakes),
        upstreams=_named(UpstreamTable, "upstreams", document.get("upstreams", {}), mistakes),
        groups=_named(GroupTable, "groups", document.get("groups", {}), mistakes),
        prices=tuple(_listed(PriceTable, "prices", document.get("prices", []), mistakes)),
    )


def _document(path: Path) -> dict[str, Any]:
    """The file as TOML. One that cannot be parsed is the only mistake worth naming: of the rest nothing is known."""
    try:
        # Editors on Windows put a byte order mark first, which TOML does not know.
        return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = f"is not UTF-8 (at line {line})"
    except tomllib.TOMLDecodeError as error:
        problem = f"is not TOML: {error}"
    except (ValueError, ArithmeticError, RecursionError):
        problem = "has a number that is too long, or is nested too deeply"
    raise ConfigError([Mistake(str(path), problem)])


def _table(kind: type[T], name: str, at: str, raw: object, mistakes: list[Mistake]) -> T:
    """One table; keys whose values are wrong are noted and then treated as not given."""
    if not isinstance(raw, dict):
        mistakes.append(Mistake(at, f"must be a table, written [{at}]", shown(at, raw)))
        raw = {}
    mistakes += [_unknown(name, at, key, value) for key, value in raw.items() if key not in kind.known()]
    right = {key: value for key, value in raw.items() if key in kind.known()}
    try:
        return kind.model_validate(right)
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            key = str(wrong["loc"][0])
            mistakes.append(Mistake(f"{at}.{key}", _advice(wrong), shown(key, right.pop(key, None))))
        return kind.model_validate(right)


def _advice(error: Any) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "literal_error":
        return "must be " + str(error["ctx"]["expected"]).replace("'", '"')
    return str(error["msg"])


def _named(kind: type[T], table: str, raw: object, mistakes: list[Mistake]) -> dict[str, T]:
    if not isinstance(raw, dict):
        mistakes.append(Mistake(table, f"must be tables, each written [{table}.NAME]", shown(table, raw)))
        return {}
    found: dict[str, T] = {}
    for name, inner in raw.items():
        at = place(table, name)
        if table == "upstreams" and name in RESERVED:
            mistakes.append(Mistake(at, "this name is reserved for Tollbook's own paths; take another"))
        try:
            values.name(name)
        except ValueError as error:
            mistakes.append(Mistake(at, str(error)))
        if not isinstance(inner, dict) and name in kind.known():
            mistakes.append(Mistake(at, f"belongs in a table of its own, written [{table}.NAME]", shown(at, inner)))
            continue
        found[name] = _table(kind, table, at, inner, mistakes)
    return found


def _listed(kind: type[T], table: str, raw: object, mistakes: list[Mistake]) -> Iterator[T]:
    if not isinstance(raw, list):
        mistakes.append(Mistake(table, f"must be written [[{table}]], once for each", shown(table, raw)))
        return
    for number, inner in enumerate(raw, start=1):
        yield _table(kind, table, entry(table, number), inner, mistakes)


def _unknown(table: str, at: str, key: str, value: object) -> Mistake:
    where = f"{at}.{key}" if at else key
    if promised(table, key):
        return Mistake(where, NOT_YET)
    if key in {"api_key", "key", "token"} and table in ("upstreams", "dashboard"):
        named = "api_key_env" if table == "upstreams" else "token_env"
        return Mistake(where, f"unknown key; {named} names an environment variable that holds the secret")
    known = ALL[table].known() if table else ALL
    elsewhere = [f"[{other}]" for other, kind in ALL.items() if other != table and key in kind.known()]
    if elsewhere:
        hint = f"; it belongs in {' or '.join(elsewhere)}"
    else:
        hint = did_you_mean(key, known) or f"; known here: {', '.join(known)}"
    # An unknown key may hold anything, so what it holds is repeated only where that cannot be a secret.
    return Mistake(where, f"unknown key{hint}", shown(key, value))
