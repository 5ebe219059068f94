"""`tollbook demo`: the same as `serve`, with a sandbox in place of the world."""

from pathlib import Path

import click

from proxy.cli.place import configuration, place


@click.command(short_help="Show a full book in seconds: a sandbox.")
@click.option("--listen", metavar="HOST:PORT", help="Where clients call (default: 127.0.0.1:8787).")
@click.option("--dashboard", metavar="HOST:PORT", help="Where people and tools ask (default: 127.0.0.1:8788).")
@place
def demo(listen: str | None, dashboard: str | None, config: Path | None, data_dir: Path | None) -> int:
    """Show a full book in seconds: a built-in sandbox upstream and sample traffic.

    Needs no key and no network. It has a data directory of its own, made anew at each start: DIR, else one beside
    that of the configuration.
    """
    chosen = configuration(config, data_dir, listen=listen, dashboard=dashboard, serving=True)
    from proxy.demo import demo as run

    return run(chosen, named=data_dir is not None)
