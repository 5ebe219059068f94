"""The table that is made to be filled in and copied into the configuration."""

import tomllib
from dataclasses import fields
from datetime import date

from proxy.config.model import PriceEntry
from store.pricing.stub import stub

_NO_RATES = {"upstream", "model", "since", "tier", "above", "free"}


def test_it_knows_every_rate_of_the_configuration() -> None:
    """Whatever kind is asked for, there is a line for it, and a key of that name in `[[prices]]`."""
    rates = {field.name for field in fields(PriceEntry)} - _NO_RATES
    table = stub("openai", "m", date(2026, 11, 21), rates)
    assert {line.split()[1] for line in table.splitlines() if line.startswith("# ")} == rates | {"free"}


def test_it_is_toml() -> None:
    """It parses as it is, with the names as they are; what cannot be shown is left to a wildcard."""
    for model, pattern in (("gpt-4o", "gpt-4o"), ('a"b\\c', 'a"b\\c'), ("x\ny\x00\u202ez", "x*y*z"), ("ünï", "ünï")):
        (entry,) = tomllib.loads(stub("gpu-box", model, date(2026, 11, 21), {"input"}))["prices"]
        assert entry == {"upstream": "gpu-box", "model": pattern, "from": date(2026, 11, 21)}
