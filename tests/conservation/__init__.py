"""The conservation oracle: what clients received in full is in the book, each call once, and nothing else is.

An upstream issues a number with every answer, a client notes which answers it received in full, and in the end the book
is held against both, read with SQL of its own. `python -m tests.conservation` kills processes under load, round after
round; tests use the parts.
"""
