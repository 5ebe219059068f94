"""A key as JSON, without anything that was made of its secret: for the command line and the query endpoint alike."""

from datetime import UTC, datetime
from typing import Any

from proxy.keys.key import Key


def key_json(key: Key, now: datetime) -> dict[str, Any]:
    """{"name", "group", "kind", "state", "fingerprint", "models", "upstreams", "budgets", "per_minute", "concurrent",
    "created_at", "expires_at", "previous_until", "former_names"}."""
    return {
        "name": key.name,
        "group": key.group,
        "kind": key.kind,
        "state": key.state(now),
        "fingerprint": key.digest if key.kind == "named" else None,
        "models": key.models,
        "upstreams": key.upstreams,
        "budgets": [{"credits": f"{budget.credits:f}", "period": budget.period} for budget in key.budgets],
        "per_minute": key.per_minute,
        "concurrent": key.concurrent,
        "created_at": moment_json(key.created_at),
        "expires_at": moment_json(key.expires_at),
        "previous_until": moment_json(key.previous_until),
        "former_names": key.former_names,
    }


def moment_json(moment: datetime | None) -> str | None:
    """RFC 3339, to the second."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
