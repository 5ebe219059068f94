"""The tables that a configuration file may hold, with every key they know. Defaults are not here: see `model.py`.

A key that is not given is not set; `given()` tells which were. What a later version will bring is named too, so that
it is refused in so many words: a limit that is silently ignored would be worse than none.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from proxy.config import values
from proxy.config.budget import Budget
from proxy.config.model import Access, Address, Dialect, LogFormat, SecretUrl

NOT_YET = "is not supported by this version of Tollbook"

_HOUR, _DAY = 3600.0, 86400.0


def _list_of_hosts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError('must be a list of host names, such as ["tollbook.example.org"]')
    return tuple(values.host_name(item) for item in value)


Text = Annotated[str, BeforeValidator(values.text)]
Variable = Annotated[str, BeforeValidator(values.variable)]
Listen = Annotated[Address, BeforeValidator(values.address)]
Seconds = Annotated[float, BeforeValidator(values.span(0.001, _DAY, "seconds"))]
Rate = Annotated[Decimal, BeforeValidator(values.amount(1_000_000))]


class Table(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def known(cls) -> tuple[str, ...]:
        """Every key, as the file spells it."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    def given(self) -> dict[str, Any]:
        """The fields that the file sets."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ProxyTable(Table):
    """`[proxy]`"""

    listen: Listen | None = None
    workers: Annotated[int, BeforeValidator(values.workers)] | None = None
    access: Access | None = None
    on_client_gone: Literal["cancel", "finish"] | None = None
    on_store_failure: Literal["serve", "refuse"] | None = None
    finish_timeout_s: Seconds | None = None
    max_concurrent: Annotated[int, BeforeValidator(values.whole(1, 1_000_000))] | None = None
    shutdown_timeout_s: Annotated[float, BeforeValidator(values.span(0, _HOUR, "seconds"))] | None = None
    max_connections: Annotated[int, BeforeValidator(values.whole(1, 1_000_000))] | None = None
    idle_timeout_s: Seconds | None = None
    header_timeout_s: Seconds | None = None
    max_header_bytes: Annotated[int, BeforeValidator(values.whole(1024, 16 * 1024 * 1024))] | None = None
    max_headers: Annotated[int, BeforeValidator(values.whole(1, 10_000))] | None = None
    max_body_bytes: Annotated[int, BeforeValidator(values.whole(1, 10**15))] | None = None
    body_timeout_s: Seconds | None = None
    min_body_bytes_per_s: Annotated[int, BeforeValidator(values.whole(0, 10**9))] | None = None
    write_timeout_s: Seconds | None = None
    heartbeat_s: Seconds | None = None
    journal_wait_ms: Annotated[float, BeforeValidator(values.span(0, 10_000, "milliseconds"))] | None = None


class DashboardTable(Table):
    """`[dashboard]`"""

    listen: Listen | None = None
    token_env: Variable | None = None
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_list_of_hosts)] | None = None


class StoreTable(Table):
    """`[store]`"""

    data_dir: Text | None = None
    keep_bodies: Annotated[timedelta | None, BeforeValidator(values.age(timedelta(hours=1)))] = None
    max_bodies: Annotated[int | None, BeforeValidator(values.size(16_000_000))] = None
    keep_calls: Annotated[timedelta | None, BeforeValidator(values.age(timedelta(days=32)))] = None
    low_space: Annotated[int | None, BeforeValidator(values.size(1_000_000, otherwise="auto"))] = None


class CaptureTable(Table):
    """`[capture]`"""

    bodies: Literal["full", "none"] | None = None
    max_bytes: Annotated[int, BeforeValidator(values.whole(1, 16 * 1024 * 1024))] | None = None


class CreditsTable(Table):
    """`[credits]`"""

    per_usd: Annotated[Decimal, BeforeValidator(values.amount(1_000_000, zero=False))] | None = None
    tz: Annotated[str, BeforeValidator(values.time_zone)] | None = None
    warn_at: Annotated[Decimal, BeforeValidator(values.amount(1, zero=False))] | None = None
    webhook_url: Annotated[SecretUrl, BeforeValidator(values.webhook_url)] | None = None
    webhook_secret_env: Variable | None = None


class LogTable(Table):
    """`[log]`"""

    format: LogFormat | None = None
    level: Literal["debug", "info", "warning", "error"] | None = None


class UpstreamTable(Table):
    """`[upstreams.NAME]`"""

    base_url: Annotated[str, BeforeValidator(values.base_url)] | None = None
    dialect: Dialect | None = None
    provider: Text | None = None
    api_key_env: Variable | None = None
    access: Access | None = None
    stream_usage: Literal["ask", "leave"] | None = None
    connect_timeout_s: Annotated[float, BeforeValidator(values.span(0.001, _HOUR, "seconds"))] | None = None
    read_timeout_s: Seconds | None = None
    max_concurrent: Annotated[int, BeforeValidator(values.whole(1, 1_000_000))] | None = None


class GroupTable(Table):
    """`[groups.NAME]`"""

    ratio: Annotated[Decimal, BeforeValidator(values.amount(1_000))] | None = None
    budgets: Annotated[tuple[Budget, ...], BeforeValidator(values.budgets)] | None = Field(default=None, alias="budget")
    unpriced: Literal["allow", "refuse"] | None = None
    unpriced_usd_per_million: Rate | None = None


class PriceTable(Table):
    """`[[prices]]`"""

    upstream: Text | None = None
    model: Text | None = None
    since: Annotated[date, BeforeValidator(values.day)] | None = Field(default=None, alias="from")
    tier: Text | None = None
    above: Annotated[int, BeforeValidator(values.whole(1, 1_000_000_000))] | None = None
    free: Annotated[bool, BeforeValidator(values.truth)] | None = None
    input: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    output: Rate | None = None
    input_audio: Rate | None = None
    output_audio: Rate | None = None
    cache_read_audio: Rate | None = None
    input_image: Rate | None = None
    output_image: Rate | None = None
    cache_read_image: Rate | None = None
    output_reasoning: Rate | None = None
    output_citation: Rate | None = None
    input_video: Rate | None = None
    output_video: Rate | None = None
    request: Rate | None = None
    image: Rate | None = None
    second: Rate | None = None
    character: Rate | None = None
    page: Rate | None = None
    annotated_page: Rate | None = None
    search_unit: Rate | None = None
    text_message: Rate | None = None
    web_search: Rate | None = None
    file_search: Rate | None = None

    def rates(self) -> set[str]:
        """The rates that are given."""
        return self.model_fields_set - {"upstream", "model", "since", "tier", "above", "free"}


TOKEN_RATES = frozenset({
    "input", "cache_read", "cache_write", "cache_write_1h", "output", "input_audio", "output_audio", "cache_read_audio",
    "input_image", "output_image", "cache_read_image", "output_reasoning",
})  # fmt: skip
"""The rates that can depend on the length of a prompt."""

SINGLE: dict[str, type[Table]] = {
    "proxy": ProxyTable,
    "dashboard": DashboardTable,
    "store": StoreTable,
    "capture": CaptureTable,
    "credits": CreditsTable,
    "log": LogTable,
}
NAMED: dict[str, type[Table]] = {"upstreams": UpstreamTable, "groups": GroupTable}
LISTED: dict[str, type[Table]] = {"prices": PriceTable}
ALL: dict[str, type[Table]] = {**SINGLE, **NAMED, **LISTED}

_LATER = {
    "store": re.compile(r"engine"),
    "upstreams": re.compile(r"limits?|.*_per_minute"),
    "groups": re.compile(r"limits?|.*_per_minute"),
}


def promised(table: str, key: str) -> bool:
    """Whether a key that this version does not know is one that another version knows."""
    pattern = _LATER.get(table)
    return pattern is not None and pattern.fullmatch(key) is not None
