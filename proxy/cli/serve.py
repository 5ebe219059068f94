"""`tollbook serve`: the proxy and the store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.cli.place import configuration, place

if TYPE_CHECKING:
    from proxy.config.apart import Flags


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where clients call (default: 127.0.0.1:8787).")
@click.option("--dashboard", metavar="HOST:PORT", help="Where people and tools ask (default: 127.0.0.1:8788).")
@click.option("--workers", metavar="N", type=int, help="How many processes relay (default: 1).")
@click.option("--log-format", metavar="FORMAT", help="How it logs: text or json (default: text).")
@place
def serve(
    listen: str | None,
    dashboard: str | None,
    workers: int | None,
    log_format: str | None,
    config: Path | None,
    data_dir: Path | None,
) -> int:
    """Run the proxy and the store until Ctrl-C.

    No configuration is needed: well-known upstreams are built in. Set a client's base URL to
    http://127.0.0.1:8787/openai/v1, http://127.0.0.1:8787/anthropic or http://127.0.0.1:8787/gemini.

    SIGHUP reads the configuration again, and cuts no call.
    """
    flags: Flags = {
        "data_dir": data_dir, "listen": listen, "dashboard": dashboard, "workers": workers, "log_format": log_format,
    }  # fmt: skip
    chosen = configuration(config, serving=True, **flags)
    from proxy.config.apart import load_apart
    from proxy.parent import serve as run

    # The file that was found without being named is named from now on: without it, the defaults would be in force.
    return run(chosen, lambda: load_apart(chosen.source or config, **flags))
