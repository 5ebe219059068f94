"""`config.example.toml` is the manual of the configuration, so it must say exactly what the code does."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxy.config.builtin import BUILTIN
from proxy.config.load import TOKEN_ENV, load
from proxy.config.model import Address, Config
from proxy.config.tables import ALL, LISTED, NAMED

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
OPTIONAL = re.compile(r"^# (?=\[|[a-z_0-9]+ = )", re.MULTILINE)
ENVIRON = {
    "HOME": "/home/someone",
    "AZURE_OPENAI_API_KEY": "azure-key",
    TOKEN_ENV: "token",
    "TOLLBOOK_WEBHOOK_SECRET": "s",
}


def uncommented() -> str:
    """The example with every optional line in force."""
    return OPTIONAL.sub("", EXAMPLE.read_text())


def shown() -> dict[str, list[dict[str, Any]]]:
    """Every table of the example, those of one kind together."""
    document = tomllib.loads(uncommented(), parse_float=Decimal)
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, table in document.items():
        tables[name] = list(table.values()) if name in NAMED else table if name in LISTED else [table]
    return tables


def test_example_loads_as_it_stands() -> None:
    """The example, unchanged, is the default configuration."""
    given, default = load(EXAMPLE, environ={"HOME": "/h"}), load(environ={"HOME": "/h"}, cwd=Path("/"))
    assert given.source == EXAMPLE
    for part in Config.__dataclass_fields__.keys() - {"source"}:
        assert getattr(given, part) == getattr(default, part)


def test_example_loads_with_every_line_in_force(tmp_path: Path) -> None:
    """Every optional line of the example is a line that may be uncommented."""
    file = tmp_path / "tollbook.toml"
    file.write_text(uncommented())
    config = load(file, environ=ENVIRON)
    assert config.upstreams["azure"].api_key is not None
    assert len(config.prices) == 3


@pytest.mark.parametrize("table", ALL)
def test_example_shows_every_key_and_no_other(table: str) -> None:
    """A table of the example has exactly the keys that the code knows."""
    keys = {key for each in shown()[table] for key in each}
    assert keys == set(ALL[table].known())


@pytest.mark.parametrize("table", ["proxy", "dashboard", "store", "capture", "credits", "log"])
def test_shown_defaults_are_the_defaults(table: str) -> None:
    """The value that the example shows for a key is the one in force without it."""
    default = getattr(load(environ={"HOME": "/home/someone"}, cwd=Path("/")), table)
    (given,) = shown()[table]
    for key, value in given.items():
        match key:
            case "token_env":
                assert value == TOKEN_ENV
            case "data_dir":
                assert default.data_dir == Path("/home/someone") / value.removeprefix("~/")
            case "listen":
                assert str(default.listen) == value
                assert isinstance(default.listen, Address)
            case "allowed_hosts":
                assert default.allowed_hosts == tuple(value)
            case "keep_bodies" | "keep_calls" | "max_bodies":
                assert value == ("unlimited" if key == "max_bodies" else "forever")
                assert getattr(default, key) is None
            case "low_space":
                assert value == "auto"
                assert default.low_space is None
            case "webhook_url":
                assert default.webhook_url is None
            case "webhook_secret_env":
                assert default.webhook_secret is None
            case _:
                assert getattr(default, key) == value


def test_shown_defaults_of_an_upstream_and_a_group_are_the_defaults(tmp_path: Path) -> None:
    """What the example shows for an upstream, but for its address and credential, holds without being said."""
    (upstream,), (group,) = shown()["upstreams"], shown()["groups"]
    file = tmp_path / "tollbook.toml"
    file.write_text(f'[upstreams.azure]\nbase_url = "{upstream["base_url"]}"\n[groups.default]\n')
    config = load(file, environ={"HOME": "/h"})
    assert config.upstreams["azure"].max_concurrent is None
    for key in upstream.keys() - {"base_url", "api_key_env", "max_concurrent"}:
        assert getattr(config.upstreams["azure"], key) == upstream[key]
    assert config.upstreams["azure"].api_key is None
    assert config.groups["default"].ratio == group["ratio"]


def test_example_lists_every_built_in_upstream() -> None:
    """The built-in upstreams in the example are the code's, each with its address."""
    listed = dict(re.findall(r"(\w+) {2,}(https?://\S+)(?=\s)", EXAMPLE.read_text().partition("# Example:")[0]))
    assert listed == {name: upstream.base_url for name, upstream in BUILTIN.items()}
