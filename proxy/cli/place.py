"""Where the data is: `--config FILE` and `--data-dir DIR`, the same on every command."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from proxy.cli.trouble import Trouble

if TYPE_CHECKING:
    from proxy.config.apart import Flags
    from proxy.config.model import Config

P = ParamSpec("P")
R = TypeVar("R")


def place(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the two options; it receives them as `config` and `data_dir`."""
    command = click.option(
        "--data-dir", metavar="DIR", type=click.Path(path_type=Path),
        help="Where the book is kept (default: data_dir of the configuration).",
    )(command)  # fmt: skip
    return click.option(
        "--config", metavar="FILE", type=click.Path(path_type=Path),
        help="The configuration (default: ./tollbook.toml if there is one).",
    )(command)  # fmt: skip


def configuration(
    config: Path | None,
    data_dir: Path | None,
    *,
    listen: str | None = None,
    dashboard: str | None = None,
    workers: int | None = None,
    log_format: str | None = None,
    secrets: bool = True,
    serving: bool = False,
) -> "Config":
    """The configuration with the flags laid over it; a command that only reads needs no secrets.

    With `serving`, what else would keep it from being served (a port that is taken) is named with the mistakes.

    Raises:
        Trouble: it is wrong; every mistake is named, each on its line.
    """
    from proxy.config.mistakes import ConfigError

    flags: Flags = {
        "data_dir": data_dir, "listen": listen, "dashboard": dashboard, "workers": workers, "log_format": log_format,
    }  # fmt: skip
    try:
        if serving:  # it stays, and shall not keep what only reading takes
            from proxy.config.apart import load_apart

            return load_apart(config, **flags)
        # Here, not above: it brings a validation library that `--help` does not need.
        from proxy.config.load import load

        return load(config, **flags, secrets=secrets)
    except ConfigError as error:
        lines = str(error).splitlines()
        if serving and error.rest is not None:
            from proxy.parent import obstacles

            lines += obstacles(error.rest, {mistake.key for mistake in error.mistakes})
        if error.rest is not None and error.rest.source is not None:  # it may be one that nobody named
            lines.append(f"the configuration is {error.rest.source}")
        raise Trouble("\n".join(lines)) from error
