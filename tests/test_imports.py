"""Dependencies point one way: who relays knows nothing of who remembers, and who reads bytes nothing of the world."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]
_KNOW_BOTH = ("proxy/cli/", "proxy/parent.py", "proxy/child.py", "proxy/demo")
_ROAD = ("proxy.journal", "proxy.config", "proxy.keys", "proxy.lifeline")
_PURE = ("store/dialects/", "store/pricing/", "store/presentation/")
_OUTSIDE_WORLD = {"aiohttp", "asyncio", "sqlite3", "aiosqlite", "socket", "threading", "os", "pathlib"}


def _modules(package: str) -> list[str]:
    return sorted(str(path.relative_to(_ROOT)) for path in (_ROOT / package).rglob("*.py"))


def _imported(module: str) -> Iterator[str]:
    """Every module a file imports, wherever in it; `from a import b` counts as `a.b`, which may be one."""
    tree = ast.parse((_ROOT / module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("module", [name for name in _modules("proxy") if not name.startswith(_KNOW_BOTH)])
def test_what_relays_does_not_know_the_store(module: str) -> None:
    """A module of the relaying process imports nothing of `store`."""
    assert [name for name in _imported(module) if _within(name, ("store",))] == []


@pytest.mark.parametrize("module", _modules("store"))
def test_the_store_knows_only_the_road(module: str) -> None:
    """A module of the store imports of `proxy` only the journal, the configuration, the keys and the lifeline."""
    assert [name for name in _imported(module) if _within(name, ("proxy",)) and not _within(name, _ROAD)] == []


@pytest.mark.parametrize("module", [name for name in _modules("store") if name.startswith(_PURE)])
def test_what_reads_bytes_knows_no_world(module: str) -> None:
    """A dialect, a price or a presentation imports nothing that talks to sockets, files or databases."""
    assert [name for name in _imported(module) if name.partition(".")[0] in _OUTSIDE_WORLD] == []


def test_both_sides_are_there() -> None:
    """The rules above are about many modules, not about an empty list."""
    assert len(_modules("proxy")) > 20
    assert {name.split("/")[1] for name in _modules("store") if name.startswith(_PURE)} == {
        "dialects",
        "presentation",
        "pricing",
    }
