"""What the holder of a key is told about it, and nobody else: `/api/me` of the proxy listener, and the page `/me`."""

from store.me.told import told

__all__ = ["told"]
