"""Keys: who may call, as whom, and how much. The register is a small file; workers hold it in memory.

The store may import `counted`, `file`, `key`, `register`, `secret`, `standing` and `used_up`; the rest
is of the relaying process alone.
"""
