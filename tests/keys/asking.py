"""One call with a key, as most tests of keys make it, and what is known of budgets as a test says it."""

from proxy.keys.key import Key
from proxy.keys.used_up import NothingSpent, UsedUp
from tests.keys.conftest import ClientOf, Keyed
from tests.relay.neighbours import Received

CHAT = b'{"model":"gpt-4o-mini","messages":[]}'


async def ask(
    client_of: ClientOf, keyed: Keyed, target: str, *lines: str, method: str = "POST", body: bytes = CHAT
) -> Received:
    """One call on a connection of its own."""
    client = await client_of(keyed)
    await client.ask(target, method, *lines, body=body)
    return await client.answer()


def bearer(secret: str) -> str:
    return f"Authorization: Bearer {secret}"


class Spent(NothingSpent):
    """A standing that a test decides."""

    def __init__(self) -> None:
        self.found: UsedUp | None = None
        self.asked: list[tuple[str | None, str]] = []
        self.without_price = {"mystery"}

    def used_up(self, key: Key | None, group: str) -> UsedUp | None:
        """What the test says."""
        self.asked.append((key.name if key else None, group))
        return self.found

    def unpriced(self, upstream: str, model: str) -> bool:
        """Whether the test says so."""
        return model in self.without_price
