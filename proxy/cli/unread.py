"""What a search for words says of the calls that it could not look into, so that "none" is never said for "not yet"."""

from collections.abc import Mapping
from typing import Any

import click


def say_unread(answer: Mapping[str, Any]) -> None:
    """On stderr, how many calls the search has not read yet; nothing where none was searched for, or all are read."""
    waiting = (answer.get("searched") or {}).get("waiting")
    if waiting:
        calls = "1 call is" if waiting == 1 else f"{waiting:,} calls are"
        click.echo(f"The words of {calls} not searched yet; a running `tollbook serve` reads them.", err=True)
