"""The name under which the upstream's own support can find a call."""

from proxy.journal.notes import Headers
from store.call import Reading

_IN_ORDER = (
    "x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "x-generation-id",
    "mistral-correlation-id", "x-debug-trace-id", "x-ds-trace-id", "cf-ray",
)  # fmt: skip
_rank = {name: rank for rank, name in enumerate(_IN_ORDER)}


def upstream_request_id(headers: Headers, reading: Reading) -> str | None:
    """From the response headers, else the id inside the answer; None when the upstream gave none."""
    best_rank, best = len(_rank), None
    for name, value in headers:
        rank = _rank.get(name, best_rank)
        if rank < best_rank and value:
            best_rank, best = rank, value
            if not rank:
                break
    return best or reading.response_id
