"""Which calls cost nothing, whatever their model's price.

Refuses to call a cost zero because it is not known: each case below is one in which a provider bills nobody.
"""

import re

from proxy.journal.notes import Outcome
from store.call import NO_UNITS, CallType, Reading

# Answers to questions about the service, not work of a model. (Moderation: the one endpoint that costs something,
# Mistral's, reports its tokens, and a call with reported tokens is priced.)
_FREE_TYPES: frozenset[CallType] = frozenset({"model", "file", "moderation"})
_ASKING_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
# What is only kept for later, set up or called off; the work that follows from it is a call, or a charge, of its own.
# (Conversations with a model are Mistral's, which answer.)
_KEEPING = re.compile(
    r".*/(?:threads|assistants|agents(?!/sessions)|evals|skills|libraries|vector_stores|fileSearchStores)(?:/[^/]+)?/?"
    r"|.*/skills/[^/]+/versions(?:/[^/]+)?/?"
    r"|.*/threads/[^/]+/(?:messages(?:/[^/]+)?|runs/[^/]+)/?"
    r"|.*/(?:chat/completions/[^/]+|containers/[^/]+/files|checkpoints/[^/]+/permissions)/?"
    r"|.*/vector_stores/[^/]+/(?:files|file_batches)(?:/[^/]+)?/?"
    r"|.*/(?:realtime/(?:(?:translations/)?client_secrets|sessions|transcription_sessions)|chatkit/sessions|auth_tokens)/?"
    r"|.*/(?:realtime/calls|live/sessions)/[^/]+/(?:hangup|refer|reject)/?"
    r"|.*/(?:vaults(?:/[^/]+/credentials)?|webhooks|webhook_endpoints|memory_stores(?:/[^/]+/memories)?)(?:/[^/]+)?/?"
    r"|(?:/v1)?/organizations?/.+"  # OpenAI's and Anthropic's administration
    r"|.*/traces/ingest/?"
    r"|.*(?:/cancel|:cancel|/archive|:fetchPredictOperation)/?"
)
# Anthropic's, whose SDKs say so; they wait for an event.
_SESSIONS = re.compile(r"/v1/(?:environments|sessions)(?:/[^/?]+(?:/resources(?:/[^/?]+)?)?)?\?beta=true")
_CONVERSATIONS = re.compile(r".*/conversations(?:/[^/]+(?:/items)?)?/?")
# A gateway between us and the model lost patience; the model may have gone on, and be billed.
_GATEWAY_GAVE_UP = frozenset({408, 504, 524})


def unbilled(reading: Reading, status: int | None, outcome: Outcome, method: str, target: str = "") -> bool:
    """Whether nobody is billed for this call.

    - Tollbook refused it or found no connection: no provider has seen it, even if its prompt was estimated.
    - It counted tokens: every provider gives that away, and its answer is no usage.
    - Anthropic's model declined before it wrote anything, which Anthropic bills nobody, though it tells the
      tokens of the prompt.
    - The upstream refused it (status 400 and above): providers bill no refusals. Tokens reported all the same are
      priced; estimated ones are of what was asked, not of what was served. Not when a gateway gave up waiting, and
      not when the number is Tollbook's own because the upstream fell silent or broke off: work may have been done.
    - The answer as a whole was an error, whatever its status: nothing was served. An error amid a stream is another
      matter, as is a stream that ended early: what was served before it may be billed, so the cost is what the known
      tokens cost, or unknown.
    - Nothing was reported and the call asked about the service (models, files, moderation), fetched, listed or
      deleted something made earlier (GET, HEAD, OPTIONS, DELETE; a realtime session begins with a GET and is none
      of these), or only kept something for later: a thread, an assistant, a client's secret.
    """
    if outcome in ("rejected", "upstream_unreachable") or reading.type == "count_tokens":
        return True
    if reading.finish_reason == "refusal" and _declined_at_once(reading, target):
        return True
    if reading.tokens is not None and reading.tokens.source == "reported":
        return False
    if outcome not in ("completed", "client_left"):
        return False
    if status is not None and status >= 400:
        return status not in _GATEWAY_GAVE_UP
    if reading.error is not None and not reading.stream:
        return True
    if reading.tokens is not None or reading.units != NO_UNITS:
        return False
    if reading.type in _FREE_TYPES or (method in _ASKING_METHODS and reading.type != "realtime"):
        return True
    return reading.type in ("other", "realtime") and _only_keeps(reading, target)


def _declined_at_once(reading: Reading, target: str) -> bool:
    """Only of Anthropic's own address is it known; clouds that sell its models have paths of their own."""
    tokens = reading.tokens
    silent = tokens is not None and tokens.source == "reported" and tokens.output == 0
    return silent and not reading.portions and target.partition("?")[0] == "/v1/messages"


def _only_keeps(reading: Reading, target: str) -> bool:
    path = target.partition("?")[0]
    if _KEEPING.fullmatch(path) or _SESSIONS.fullmatch(target):
        return True
    return reading.model is None and reading.requested_model is None and _CONVERSATIONS.fullmatch(path) is not None
