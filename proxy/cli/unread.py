"""What an answer does not cover, so that neither "none" nor a sum is said of calls that nobody has looked at yet."""

from collections.abc import Mapping
from typing import Any

import click


def say_unread(answer: Mapping[str, Any]) -> None:
    """On stderr, how far back the calls were read, and how many a search for words has not read; nothing where all
    were."""
    if (back_to := answer.get("read_back_to")) is not None:
        click.echo(f"Older calls than {back_to} are left out: there was no time to read them.", err=True)
    waiting = (answer.get("searched") or {}).get("waiting")
    if waiting:
        calls = "1 call is" if waiting == 1 else f"{waiting:,} calls are"
        click.echo(f"The words of {calls} not searched yet; a running `tollbook serve` reads them.", err=True)
