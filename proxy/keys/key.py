"""A key, as the register keeps it: everything about it but its secret.

An *issued* key was made here and is known by the SHA-256 of its secret. A *named* one is a credential that is passed
through to the upstream, known by its fingerprint (`proxy/credential.py`); the register only gives it a name and group.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from proxy.config.budget import Budget

DEFAULT_GROUP = "default"
"""The group of every credential that nobody put into another."""

State = Literal["active", "disabled", "expired", "deleted"]

# What is read from the register is compared in the middle of a call, where nothing may raise.
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Calls = Annotated[int, msgspec.Meta(ge=1)]


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One key. All times are UTC. An empty list of models or upstreams means any."""

    name: str  # unique among all names that ever were given
    group: str
    kind: Literal["issued", "named"]
    digest: str  # issued: SHA-256 of the secret, in hex; named: the fingerprint
    created_at: _Time
    expires_at: _Time | None = None
    disabled: bool = False
    deleted: bool = False  # kept, so that its name stays taken and its refusals say whose they are
    models: tuple[str, ...] = ()  # names or patterns; `*` matches any run of characters
    upstreams: tuple[str, ...] = ()
    budgets: tuple[Budget, ...] = ()
    per_minute: _Calls | None = None
    concurrent: _Calls | None = None
    former_names: tuple[str, ...] = ()  # its older rows, and what they used of its budgets, go by these
    previous_digest: str | None = None  # the secret before the last rotation,
    previous_until: _Time | None = None  # which is valid until then

    def state(self, now: datetime) -> State:
        """Whether it may be used, and if not, why."""
        if self.deleted:
            return "deleted"
        if self.disabled:
            return "disabled"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "active"
