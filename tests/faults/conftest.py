"""The raw neighbours of the relay's tests."""

from tests.relay.conftest import raw_upstream

__all__ = ["raw_upstream"]
