"""`tollbook keys`: issue and manage keys. Works on the register's file, so nothing need be running.

A secret is printed once, alone on the last line of stdout; what else there is to say goes to stderr.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proxy.cli.key_budgets import budgets
from proxy.cli.key_options import FINGERPRINT, NAME, SPAN, bounds, given
from proxy.cli.place import configuration, place
from proxy.cli.screen import Cell, Column, print_json, print_table
from proxy.cli.trouble import Trouble

if TYPE_CHECKING:
    from proxy.config.model import Config
    from proxy.keys.key import Key
    from proxy.keys.register import Register

R = TypeVar("R")


_of_key = click.argument("name", metavar="NAME")  # of a key there is, so it is looked for, not judged


class _InOrder(click.Group):
    """Lists the commands in the order in which people meet them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, short_help="Issue and manage keys.")
def keys() -> None:
    """Issue and manage keys.

    A change takes effect in a running Tollbook within a second; none needs to run.
    """


@keys.command()
@click.argument("name", callback=NAME, metavar="NAME")
@click.option(
    "--group", metavar="G", callback=NAME, default="default", help="The set it belongs to (default: default)."
)
@bounds
@place
def create(name: str, group: str, config: Path | None, data_dir: Path | None, **options: Any) -> None:
    """Make a key called NAME. Its secret is the last line, and is shown this once."""
    chosen = configuration(config, data_dir, secrets=False)
    changes = given(options, chosen)
    key, secret = _done(lambda: _register(chosen).create(name, group, **changes))
    click.echo(
        f"Made the key {key.name} in the group {key.group}. This is its secret; it is not shown again:", err=True
    )
    click.echo(secret)


@keys.command(short_help="Change what the key may do.")
@_of_key
@bounds
@place
def limit(name: str, config: Path | None, data_dir: Path | None, **options: Any) -> None:
    """Change what the key may do. An option that is given replaces what held before; `none` takes it away."""
    chosen = configuration(config, data_dir, secrets=False)
    changes = given(options, chosen)
    if not changes:
        raise click.UsageError("Nothing to change: give at least one option.")
    _done(lambda: _register(chosen).limit(name, **changes))


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@place
def list_(as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show all keys; never their secrets."""
    register = _register(configuration(config, data_dir, secrets=False))
    now = datetime.now(UTC)
    found = _done(register.keys)
    if as_json:
        from proxy.keys.told import key_json

        print_json({"keys": [key_json(key, now) for key in found]})
    elif not found:
        click.echo("No keys yet: `tollbook keys create NAME --group G` makes one.", err=True)
    else:
        print_table(_COLUMNS, [_row(key, now) for key in found])


keys.add_command(budgets)


@keys.command()
@_of_key
@place
def disable(name: str, config: Path | None, data_dir: Path | None) -> None:
    """Refuse the key from now on."""
    _done(lambda: _at(config, data_dir).disable(name))


@keys.command()
@_of_key
@place
def enable(name: str, config: Path | None, data_dir: Path | None) -> None:
    """Let a disabled key in again."""
    _done(lambda: _at(config, data_dir).enable(name))


@keys.command(short_help="Give the key a new secret.")
@_of_key
@click.option(
    "--overlap",
    metavar="SPAN",
    callback=SPAN,
    default="24h",
    help="How long the old one stays valid (default: 24h; 0).",
)
@place
def rotate(name: str, overlap: Any, config: Path | None, data_dir: Path | None) -> None:
    """Give the key a new secret, which is the last line; the old one stays valid for a while."""
    key, secret = _done(lambda: _at(config, data_dir).rotate(name, overlap))
    until = key.previous_until
    ends = "is not valid any more" if until is None else f"is valid until {until.isoformat(timespec='seconds')}"
    click.echo(f"The old secret of {key.name} {ends}. This is the new one; it is not shown again:", err=True)
    click.echo(secret)


@keys.command(short_help="Call the key otherwise.")
@_of_key
@click.argument("new", callback=NAME, metavar="NEW")
@place
def rename(name: str, new: str, config: Path | None, data_dir: Path | None) -> None:
    """Call the key NEW; its rows so far keep the old name."""
    _done(lambda: _at(config, data_dir).rename(name, new))


@keys.command(short_help="Put the key into another group.")
@_of_key
@click.option("--group", metavar="G", callback=NAME, required=True, help="The group it belongs to from now on.")
@place
def move(name: str, group: str, config: Path | None, data_dir: Path | None) -> None:
    """Put the key into another group; its rows so far stay in the old one."""
    _done(lambda: _at(config, data_dir).move(name, group))


@keys.command(short_help="Refuse the key for ever.")
@_of_key
@place
def delete(name: str, config: Path | None, data_dir: Path | None) -> None:
    """Refuse the key for ever; its rows keep its name, and the name stays taken.

    A credential that was only named here is not refused: it passes through without a name again.
    """
    _done(lambda: _at(config, data_dir).delete(name))


@keys.command("name", short_help="Name a credential that is passed through.")
@click.argument("fingerprint", callback=FINGERPRINT, metavar="FINGERPRINT")
@click.argument("name", callback=NAME, metavar="NAME")
@click.option(
    "--group", metavar="G", callback=NAME, default="default", help="The set it belongs to (default: default)."
)
@place
def name_(fingerprint: str, name: str, group: str, config: Path | None, data_dir: Path | None) -> None:
    """Name a credential that clients pass through, by its FINGERPRINT in the rows (1a2b3c4d-wxyz)."""
    _done(lambda: _at(config, data_dir).name(fingerprint, name, group))


_COLUMNS = (
    Column("Name", cut=12),
    Column("Group", cut=8, leaves=1),
    Column("Kind", leaves=7),
    Column("State"),
    Column("Models", cut=12, leaves=5),
    Column("Upstreams", cut=10, leaves=6),
    Column("Budgets", cut=12, leaves=2),
    Column("Limits", leaves=4),
    Column("Created", leaves=8),
    Column("Expires", leaves=3),
)
_STYLES = {"active": "", "disabled": "yellow", "expired": "yellow", "deleted": "dim"}


def _row(key: "Key", now: datetime) -> list[Cell]:
    state = key.state(now)
    limits = [
        *([f"{key.per_minute}/minute"] if key.per_minute is not None else []),
        *([f"{key.concurrent} at a time"] if key.concurrent is not None else []),
    ]
    return [
        Cell(key.name),
        Cell(key.group),
        Cell(key.kind),
        Cell(state, _STYLES[state]),
        Cell(" ".join(key.models) or "any"),
        Cell(" ".join(key.upstreams) or "any"),
        Cell(" ".join(map(str, key.budgets)) or "none"),
        Cell(", ".join(limits) or "none"),
        Cell(f"{key.created_at:%Y-%m-%d}"),
        Cell("never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}"),
    ]


def _at(config: Path | None, data_dir: Path | None) -> "Register":
    return _register(configuration(config, data_dir, secrets=False))


def _register(chosen: "Config") -> "Register":
    from proxy.keys.register import Register

    return Register(chosen.store.data_dir)


def _done(what: Callable[[], R]) -> R:
    from proxy.keys.register import NotDone

    try:
        return what()
    except NotDone as problem:
        raise Trouble(str(problem)) from None
