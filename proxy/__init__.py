"""The process that relays: it accepts calls, forwards them, and notes what went by."""
