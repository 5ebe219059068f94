"""Reads the configuration, at start and at SIGHUP: a complete `Config`, or one `ConfigError` that lists every mistake.

Nothing else reads the file or the environment. The file is TOML (`config.example.toml` documents every key);
flags override it; secrets come from the environment variables that it names and are never repeated in a message.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from proxy.config import values
from proxy.config.assemble import credits_of, groups_of, named_secret, prices_of, upstreams_of
from proxy.config.conflicts import conflicts, unreachable_builtin
from proxy.config.file import find, read
from proxy.config.mistakes import ConfigError, Mistake, shown
from proxy.config.model import Address, Capture, Config, Dashboard, Log, LogFormat, Proxy, Secret, Store

__all__ = ["ConfigError", "Mistake", "load"]

TOKEN_ENV = "TOLLBOOK_DASHBOARD_TOKEN"  # noqa: S105  # the name of a variable, not a token


def load(
    path: Path | None = None,
    *,
    data_dir: Path | None = None,
    listen: str | None = None,
    dashboard: str | None = None,
    workers: int | None = None,
    log_format: str | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
    secrets: bool = True,
) -> Config:
    """The configuration of `path`, else of `./tollbook.toml`, else the defaults; flags go first.

    `secrets=False` is for commands that only read the book: they need no credentials, so none are looked up or missed.
    """
    cwd = (cwd or Path.cwd()).absolute()
    mistakes: list[Mistake] = []
    source = find(path, cwd, mistakes)
    file = read(source, mistakes)

    proxy = replace(Proxy(), **file.proxy.given())
    if listen is not None:
        proxy = replace(proxy, listen=_flag_address("--listen", listen, proxy.listen, mistakes))
    if workers is not None:
        proxy = replace(proxy, workers=_flag_workers(workers, proxy.workers, mistakes))

    chosen = file.dashboard.given()
    token_env = chosen.pop("token_env", None)
    panel = replace(Dashboard(token=_token(token_env, environ, secrets, mistakes)), **chosen)
    if dashboard is not None:
        panel = replace(panel, listen=_flag_address("--dashboard", dashboard, panel.listen, mistakes))

    log = replace(Log(), **file.log.given())
    if log_format is not None:
        log = replace(log, format=_flag_format(log_format, log.format, mistakes))

    base = source.parent if source else cwd
    upstreams = upstreams_of(file.upstreams, proxy.access, environ if secrets else None, mistakes)
    config = Config(
        proxy=proxy,
        dashboard=panel,
        store=replace(
            Store(),
            **file.store.given() | {"data_dir": _data_dir(data_dir, file.store.data_dir, base, cwd, environ)},
        ),
        capture=replace(Capture(), **file.capture.given()),
        log=log,
        credits=credits_of(file.credits, environ if secrets else None, mistakes),
        upstreams=upstreams,
        groups=groups_of(file.groups),
        prices=prices_of(file.prices, upstreams, mistakes),
        source=source,
    )
    unused = unreachable_builtin(config, written=file.upstreams.keys())
    config = replace(config, upstreams={name: up for name, up in upstreams.items() if name not in unused})
    mistakes += conflicts(
        config,
        refused={mistake.key for mistake in mistakes},
        token_env=(token_env or TOKEN_ENV) if secrets else None,
    )
    if mistakes:
        raise ConfigError(mistakes, config)
    return config


def _data_dir(flag: Path | None, written: str | None, base: Path, cwd: Path, environ: Mapping[str, str]) -> Path:
    if flag is not None:
        return cwd / _at_home(str(flag), environ)
    if written is not None:
        return base / _at_home(written, environ)
    shared = environ.get("XDG_DATA_HOME", "")
    # A relative one is to be ignored, says the XDG Base Directory Specification.
    return (Path(shared) if Path(shared).is_absolute() else _home(environ) / ".local" / "share") / "tollbook"


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def _at_home(written: str, environ: Mapping[str, str]) -> Path:
    return _home(environ) / written[2:] if written == "~" or written.startswith("~/") else Path(written)


def _token(token_env: str | None, environ: Mapping[str, str], secrets: bool, mistakes: list[Mistake]) -> Secret | None:
    if not secrets:
        return None
    if token_env is None and not environ.get(TOKEN_ENV):
        return None
    return named_secret("dashboard.token_env", token_env or TOKEN_ENV, environ, mistakes)


def _flag_address(flag: str, value: str, otherwise: Address, mistakes: list[Mistake]) -> Address:
    try:
        return values.address(value)
    except ValueError as error:
        mistakes.append(Mistake(flag, str(error), shown(flag, value)))
        return otherwise


def _flag_workers(value: int, otherwise: int, mistakes: list[Mistake]) -> int:
    try:
        return values.workers(value)
    except ValueError as error:
        mistakes.append(Mistake("--workers", str(error), shown("--workers", value)))
        return otherwise


def _flag_format(value: str, otherwise: LogFormat, mistakes: list[Mistake]) -> LogFormat:
    for known in get_args(LogFormat):
        if value == known:
            return cast("LogFormat", known)
    mistakes.append(Mistake("--log-format", 'must be "text" or "json"', shown("--log-format", value)))
    return otherwise
