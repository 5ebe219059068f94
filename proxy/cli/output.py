"""Where output goes: it may be closed, be of an encoding that knows few characters, or have a reader who leaves."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


def make_ready() -> None:
    """Let anything be printed: what the encoding does not know becomes `?`, and what is closed takes nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - it stays open as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def knows_all() -> bool:
    """Whether what reads us can be sent every character."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """What is printed within the block need not be read to its end (`| head`); what comes after it still happens."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        say_no_more()


@contextmanager
def done_when_readers_leave() -> Iterator[None]:
    """The same for a command that only prints.

    Raises:
        click.exceptions.Exit: the reader left; the status is 0.
    """
    try:
        yield
    except BrokenPipeError:
        say_no_more()
        raise click.exceptions.Exit(0) from None


def say_no_more() -> None:
    """Nothing more can be written, also not at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
