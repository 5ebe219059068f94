"""What the tests of keys share: a house whose upstreams have a credential of their own, and keys for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import pytest

from proxy.config.model import Secret
from proxy.keys.register import Register
from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.neighbours import RawClient, RawUpstream, answering, sized

OURS = "sk-of-the-house-0123456789"
OK = sized(b"{}", b"Content-Type: application/json")


ClientOf = Callable[["Keyed"], Awaitable[RawClient]]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A house that issues keys."""

    house: House
    register: Register

    def issue(self, name: str = "laptop", group: str = "lab", **bounds: Any) -> str:
        """A new key's secret, known to the worker."""
        _, secret = self.register.create(name, group, **bounds)
        self.refresh()
        return secret

    def rotated(self, name: str = "laptop", overlap: timedelta = timedelta(hours=1)) -> str:
        """The key's new secret, known to the worker."""
        _, secret = self.register.rotate(name, overlap)
        self.refresh()
        return secret

    def refresh(self) -> None:
        """Let the worker see at once what it would see within a second."""
        self.house.worker.keyring.refresh()


class OpenKeyed(Protocol):
    """Opens such a house; `access` is that of its upstreams."""

    async def __call__(self, app: str | None = None, *, access: str = "keys", **settings: Any) -> Keyed: ...


@pytest.fixture
def keyed(house: OpenHouse) -> OpenKeyed:
    """See `OpenKeyed`."""

    async def factory(app: str | None = None, *, access: str = "keys", **settings: Any) -> Keyed:
        upstream = {"access": access, "api_key": Secret(OURS), **settings.pop("upstream", {})}
        opened = await house(app, upstream=upstream, access=access, **settings)
        return Keyed(opened, Register(opened.config.store.data_dir))

    return factory


@pytest.fixture
async def upstream() -> AsyncIterator[RawUpstream]:
    """An upstream that answers {} to everything."""
    raw = RawUpstream()
    await raw.open(answering(OK))
    yield raw
    await raw.close()


@pytest.fixture
async def client_of() -> AsyncIterator[ClientOf]:
    """Connects a raw client to a keyed house."""
    opened: list[RawClient] = []

    async def factory(keyed: Keyed) -> RawClient:
        client = await RawClient.dial(keyed.house.proxy)
        opened.append(client)
        return client

    yield factory
    for client in opened:
        client.leave()
