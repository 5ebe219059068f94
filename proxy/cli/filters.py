"""The filters as options, named exactly as the query parameters, so that one line of documentation serves both.

Nothing is checked here: the pairs go to `store.filters.parse`, the same judge as the query endpoint's, which names the
parameter that is wrong. An option may be repeated for "any of"; `--tag.NAME VALUE` is any option that begins so.
"""

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Concatenate, ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")
Pairs = list[tuple[str, str]]

_KEPT = "tollbook.filters"  # where an invocation gathers its pairs

_FILTERS = {
    "from": ("TIME", "Not before: RFC 3339, epoch seconds, a date, or an age such as 15m, 24h, 7d."),
    "to": ("TIME", "Before: the same; a date includes that day."),
    "tz": ("ZONE", "Zone of dates and buckets, such as Europe/Berlin (default: UTC)."),
    "model": ("NAME", "`*` matches any run of characters, a leading `!` excludes; here and below."),
    "key": ("NAME", "The credential that asked."),
    "group": ("NAME", "The set that key belongs to."),
    "type": ("TYPE", "chat, completion, embedding, image, speech, ..."),
    "upstream": ("NAME", "The model API."),
    "status": ("STATUS", "429, 4xx, error, ..."),
    "outcome": ("NAME", "completed, client_left, upstream_timed_out, ..."),
    "stream": ("BOOL", "true or false."),
    "user": ("NAME", "The client's own label."),
    "session": ("NAME", "The client's own label."),
    "request_id": ("ID", "The provider's, or the call's own (x-tollbook-call-id)."),
    "min_duration_ms": ("N", ""),
    "max_duration_ms": ("N", ""),
    "min_cost_usd": ("N", ""),
    "max_cost_usd": ("N", ""),
    "min_tokens": ("N", ""),
    "max_tokens": ("N", ""),
    "cost_state": ("STATE", "reported, priced, estimated, free, unknown."),
    "anomaly": ("NAME", "Rows that carry this oddity: no_usage, total_mismatch, ... (`show` explains them); `*`: any."),
    "q": ("TEXT", 'Words in request or answer; "a phrase", begin*, a leading `!` excludes.'),
}
_PAGING = {
    "limit": ("N", "How many rows (default: 50, at most 1000)."),
    "cursor": ("CURSOR", "The `next` of the page before."),
}
_SORTING = {
    "sort": ("FIELD", "time, duration, tokens, cost, usage."),
    "order": ("ORDER", "desc or asc."),
}


class FilterCommand(click.Command):
    """A command that also takes `--tag.NAME VALUE`, whose names nobody can list."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Turn `--tag.NAME=VALUE` and `--tag.NAME VALUE` into the declared `--tag. NAME VALUE`."""
        told: list[str] = []
        for arg in args:
            if not arg.startswith("--tag.") or "--" in told:
                told.append(arg)
                continue
            name, equals, value = arg.removeprefix("--tag.").partition("=")
            told += ["--tag.", name, value] if equals else ["--tag.", name]
        return super().parse_args(ctx, told)


def filters(
    *, paging: bool = False, sorting: bool = False
) -> Callable[[Callable[Concatenate[Pairs, P], R]], Callable[P, R]]:
    """Give a command the filters; it receives them, in no particular order, as its first argument."""
    options = {**_FILTERS, **(_PAGING if paging else {}), **(_SORTING if paging or sorting else {})}

    def give(command: Callable[Concatenate[Pairs, P], R]) -> Callable[P, R]:
        def gathered(*args: P.args, **kwargs: P.kwargs) -> R:
            pairs: Pairs = click.get_current_context().meta.get(_KEPT, [])
            return command(pairs, *args, **kwargs)

        wrapped: Callable[P, R] = update_wrapper(gathered, command)
        wrapped = click.option(
            "--tag.", "tag", nargs=2, multiple=True, metavar="NAME VALUE", expose_value=False, callback=_keep_tags,
            help="Written --tag.NAME VALUE: a label that the client put on the call.",
        )(wrapped)  # fmt: skip
        for name, (metavar, text) in reversed(options.items()):
            wrapped = click.option(
                *spellings(name), f"filter_{name}", metavar=metavar, multiple=True, expose_value=False,
                callback=_keeper(name), help=text or None,
            )(wrapped)  # fmt: skip
        return wrapped

    return give


def spellings(name: str) -> Iterable[str]:
    """How an option may be written: as the parameter, with hyphens, and one letter with one hyphen."""
    short = (f"-{name}",) if len(name) == 1 else ()
    return dict.fromkeys((*short, f"--{name}", f"--{name.replace('_', '-')}"))


def _keeper(name: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], None]:
    def keep(ctx: click.Context, _: click.Parameter, values: tuple[str, ...]) -> None:
        ctx.meta.setdefault(_KEPT, []).extend((name, value) for value in values)

    return keep


def _keep_tags(ctx: click.Context, _: click.Parameter, tags: tuple[tuple[str, str], ...]) -> None:
    ctx.meta.setdefault(_KEPT, []).extend((f"tag.{name}", value) for name, value in tags)
