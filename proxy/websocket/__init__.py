"""Sessions over a websocket: two connections of their own, and every message of one handed to the other.

Messages are relayed whole and unchanged, controls included; nothing is compressed, nothing is put in or taken out. What
is worth keeping is looked for in messages that have already been passed on, or is written down while the one message
that tells it waits, shortly.
"""
