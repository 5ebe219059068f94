"""The configuration: every mistake in it, and what it leaves open."""

from collections.abc import Iterator
from pathlib import Path

from proxy.cli.checkup.finding import Finding, fail, ok
from proxy.config.load import ConfigError, load
from proxy.config.model import Config, Store

CHECK = "configuration"


def examined(path: Path | None, data_dir: Path | None) -> tuple[list[Finding], Config | None]:
    """What is wrong with the configuration, and as much of it as can be used; None when it names no place."""
    try:
        config = load(path, data_dir=data_dir)
    except ConfigError as error:
        source = error.rest.source if error.rest else None
        where = f" in {source}" if source else ""
        mistakes = [
            fail(CHECK, line.strip(), f"Correct it{where}; config.example.toml documents every key.")
            for line in str(error).splitlines()
            if line.strip()
        ]
        return mistakes, _what_can_be_used(path, data_dir)
    return list(_fine(config)), config


def _fine(config: Config) -> Iterator[Finding]:
    source = str(config.source) if config.source else "no file, the defaults"
    yield ok(CHECK, f"{source}: {len(config.upstreams)} upstreams")


def _what_can_be_used(path: Path | None, data_dir: Path | None) -> Config | None:
    try:
        return load(path, data_dir=data_dir, secrets=False)
    except ConfigError:
        return None if data_dir is None else Config(store=Store(data_dir.absolute()))
