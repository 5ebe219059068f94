"""The command line: `tollbook COMMAND`, one file per command.

It parses options and shows answers. What is asked is answered by the same questions as the query endpoint
(store/questions/), so the two cannot disagree; nothing here writes SQL. What changes the book is asked of the store
process while it runs (store/errands/). Whatever is slow to import is imported inside the command that needs it, so
that `--help` is quick.

Exit status: 0 done, 1 the thing asked for failed, 2 wrong use. Expected trouble is one sentence on stderr.
"""

import sys
from collections.abc import Sequence
from typing import Any

import click

from proxy.cli.backup import backup
from proxy.cli.demo import demo
from proxy.cli.doctor import doctor
from proxy.cli.export import export
from proxy.cli.keys import keys
from proxy.cli.logs import logs
from proxy.cli.output import done_when_readers_leave, make_ready, say_no_more
from proxy.cli.prices import prices
from proxy.cli.prune import prune
from proxy.cli.reprice import reprice
from proxy.cli.serve import serve
from proxy.cli.show import show
from proxy.cli.stats import stats
from proxy.cli.tail import tail
from proxy.cli.trouble import FAILED, complain
from proxy.cli.version import version

_INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended


def _say_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"tollbook {version()}")
        ctx.exit()


class _InOrder(click.Group):
    """Lists the commands in the order in which people meet them; a reader who leaves ends them with status 0."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with done_when_readers_leave():  # here, because click would make a failure of it
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with done_when_readers_leave():
            return super().invoke(ctx)


@click.group(
    cls=_InOrder,
    commands={
        command.name or "": command
        for command in (serve, demo, logs, show, stats, tail, export, keys, prices, reprice, prune, backup, doctor)
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_say_version, help="Show the version."
)
def _tollbook() -> None:
    """The book of the tolls paid to model APIs.

    `tollbook serve` relays calls and writes one honest row for each; the other commands ask about the rows.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status."""
    make_ready()
    status: object = 0
    try:
        status = _tollbook.main(arguments, prog_name="tollbook", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        return complain(error)
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        say_no_more()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"tollbook: {where}{error.strerror or error}.", err=True)
        return FAILED
    return status if isinstance(status, int) else 0
