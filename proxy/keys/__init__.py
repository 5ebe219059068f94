"""Keys: who may call, as whom, and how much. The register is a small file; workers hold it in memory.

The store may import all of it but what decides about calls: `asked_model`, `known_standing` and `limits` are of the
relaying process alone.
"""
