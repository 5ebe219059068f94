"""The upstream side of a call by itself: our own client beside aiohttp's, on the same bytes.

`python -m tests.upstream --minutes 60` feeds both the same malformed, cut and slow answers and tells where a client of
the proxy would see a difference that is not explained (`explained.py`).
"""
