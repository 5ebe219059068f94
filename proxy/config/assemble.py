"""Makes the named values of the configuration out of the tables of the file: credits, upstreams, groups, prices.

A table for a built-in upstream changes single fields of it; every other upstream stands on its own.
"""

from collections.abc import Mapping
from dataclasses import replace

from proxy.config.builtin import BUILTIN, NAMED_AFTER, provider_of, stream_usage_of
from proxy.config.mistakes import Mistake, did_you_mean, entry, place
from proxy.config.model import Access, Credits, Group, PriceEntry, Secret, Upstream
from proxy.config.tables import TOKEN_RATES, CreditsTable, GroupTable, PriceTable, UpstreamTable


def upstreams_of(
    tables: Mapping[str, UpstreamTable], access: Access, environ: Mapping[str, str] | None, mistakes: list[Mistake]
) -> dict[str, Upstream]:
    """The built-in upstreams and the file's, with the `access` of the proxy where theirs is not given.

    Without an environment no credential is looked up.
    """
    upstreams = {name: replace(upstream, access=access) for name, upstream in BUILTIN.items()}
    for name, table in tables.items():
        upstream = _upstream(name, table, environ, mistakes)
        upstreams[name] = upstream if table.access is not None else replace(upstream, access=access)
    return upstreams


def _upstream(name: str, table: UpstreamTable, environ: Mapping[str, str] | None, mistakes: list[Mistake]) -> Upstream:
    at = place("upstreams", name)
    given = table.given()
    variable = given.pop("api_key_env", None)
    if name not in BUILTIN and table.base_url is None and not _refused(f"{at}.base_url", mistakes):
        mistakes.append(
            Mistake(f"{at}.base_url", "is required: no upstream of this name is built in" + did_you_mean(name, BUILTIN))
        )
    start = BUILTIN.get(name) or Upstream(name, "", NAMED_AFTER.get(name, "openai"), provider=name)
    upstream = replace(start, **given)
    if "provider" not in given and name not in BUILTIN:
        upstream = replace(upstream, provider=provider_of(name, upstream.base_url, upstream.dialect))
    if "stream_usage" not in given:
        upstream = replace(upstream, stream_usage=stream_usage_of(name, upstream.dialect))
    elif upstream.stream_usage == "ask" and upstream.dialect not in ("openai", "azure"):
        mistakes.append(
            Mistake(f"{at}.stream_usage", f'"leave" is right for the {upstream.dialect} dialect', '"ask"'),
        )
    if variable is not None and environ is not None:
        upstream = replace(upstream, api_key=named_secret(f"{at}.api_key_env", variable, environ, mistakes))
    return upstream


def named_secret(key: str, variable: str, environ: Mapping[str, str], mistakes: list[Mistake]) -> Secret | None:
    """The secret in an environment variable, if it is one that can be sent in a header."""
    # Variables are written in capitals; anything else may be a credential in the wrong place and is not repeated.
    called = variable if variable.isupper() else "that it names"
    secret = environ.get(variable, "")
    if not secret:
        state = "is empty" if variable in environ else "is not set"
        mistakes.append(Mistake(key, f"the environment variable {called} {state}"))
    elif not secret.isascii() or not secret.isprintable() or " " in secret:
        mistakes.append(
            Mistake(key, f"the environment variable {called} holds spaces or characters no header can carry")
        )
    else:
        return Secret(secret)
    return None


def credits_of(table: CreditsTable, environ: Mapping[str, str] | None, mistakes: list[Mistake]) -> Credits:
    """The unit of usage, and who is told of budgets. Messages are signed: anybody could send unsigned ones."""
    given = table.given()
    variable = given.pop("webhook_secret_env", None)
    chosen = replace(Credits(), **given)
    at = "credits.webhook_secret_env"
    if chosen.webhook_url is not None and variable is None and not _refused(at, mistakes):
        mistakes.append(Mistake(at, "is required with webhook_url: the variable with the secret that signs messages"))
    elif chosen.webhook_url is None and variable is not None and not _refused("credits.webhook_url", mistakes):
        mistakes.append(Mistake(at, "is of no use without webhook_url"))
    elif variable is not None and environ is not None:
        chosen = replace(chosen, webhook_secret=named_secret(at, variable, environ, mistakes))
    return chosen


def groups_of(tables: Mapping[str, GroupTable]) -> dict[str, Group]:
    """The groups that have a table; every other has the defaults."""
    return {name: replace(Group(name), **table.given()) for name, table in tables.items()}


def prices_of(
    tables: tuple[PriceTable, ...], upstreams: Mapping[str, Upstream], mistakes: list[Mistake]
) -> tuple[PriceEntry, ...]:
    """The prices in the order of the file."""
    entries: list[PriceEntry] = []
    places: dict[tuple[object, ...], str] = {}
    for number, table in enumerate(tables, start=1):
        at = entry("prices", number)
        price = replace(PriceEntry(upstream="*", model=""), **table.given())
        if table.model is None and not _refused(f"{at}.model", mistakes):
            mistakes.append(Mistake(f"{at}.model", 'is required: a model, or a pattern such as "gpt-4o*"'))
        if "*" not in price.upstream and price.upstream not in upstreams:
            hint = did_you_mean(price.upstream, upstreams)
            mistakes.append(Mistake(f"{at}.upstream", f"no upstream has this name{hint}", f'"{price.upstream}"'))
        if price.free and table.rates():
            mistakes.append(Mistake(f"{at}.free", "a free model has no rates; keep one or the other", "true"))
        elif not price.free and not table.rates() and not _refused(f"{at}.", mistakes):
            mistakes.append(Mistake(at, "gives no rate; give input, output or another, or free = true"))
        if price.above is not None and price.free:
            mistakes.append(Mistake(f"{at}.above", "a free model has no rates that could depend on a length"))
        if price.above is not None and (units := sorted(table.rates() - TOKEN_RATES)):
            mistakes.append(Mistake(f"{at}.{units[0]}", "depends on no length: give it in the entry without `above`"))
        subject = (price.upstream, price.model, price.since, price.tier, price.above)
        if table.model is not None and subject in places:
            mistakes.append(Mistake(at, f"prices the same upstream, model, day, tier and length as {places[subject]}"))
        places.setdefault(subject, at)
        entries.append(price)
    return tuple(entries)


def _refused(key: str, mistakes: list[Mistake]) -> bool:
    """Whether a value under this key was given and refused; that it is missing then need not be said as well."""
    return any(mistake.key.startswith(key) for mistake in mistakes)
