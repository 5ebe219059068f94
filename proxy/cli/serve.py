"""`tollbook serve`: the proxy and the store."""

from pathlib import Path

import click

from proxy.cli.place import configuration, place


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where clients call (default: 127.0.0.1:8787).")
@click.option("--dashboard", metavar="HOST:PORT", help="Where people and tools ask (default: 127.0.0.1:8788).")
@click.option("--workers", metavar="N", type=int, help="How many processes relay (default: 1).")
@place
def serve(
    listen: str | None, dashboard: str | None, workers: int | None, config: Path | None, data_dir: Path | None
) -> int:
    """Run the proxy and the store until Ctrl-C.

    No configuration is needed: well-known upstreams are built in. Set a client's base URL to
    http://127.0.0.1:8787/openai/v1, http://127.0.0.1:8787/anthropic or http://127.0.0.1:8787/gemini.
    """
    chosen = configuration(config, data_dir, listen=listen, dashboard=dashboard, workers=workers, serving=True)
    from proxy.parent import serve as run

    return run(chosen)
