"""What a command says when it cannot do what was asked: one sentence on stderr and an exit status.

Status 1: the thing asked for failed. Status 2: wrong use, which is click's own `UsageError`.
"""

import click

from proxy.harmless import harmless

FAILED = 1


class Trouble(click.ClickException):
    """Expected trouble: its message is shown as it is, without a traceback, and the status is 1."""

    exit_code = FAILED


def complain(error: click.ClickException) -> int:
    """Write the error to stderr, every line of it under our name. Returns the exit status."""
    sentence = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        sentence = " ".join(sentence.split())  # click lists choices on lines of their own
        sentence = f"{sentence.rstrip('.')} (see `{error.ctx.command_path} --help`)."
    for line in sentence.splitlines():
        click.echo(f"tollbook: {harmless(line)}", err=True)
    return error.exit_code
