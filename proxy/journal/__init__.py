"""The only thing between the two processes: append-only files that survive the death of whoever wrote them."""
