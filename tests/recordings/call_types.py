"""Which type each recorded call is, decided by looking at the providers' own documentation, path by path.

A second opinion: the first match of this list counts, for calls that were posted. Everything else asks about, fetches
or deletes what was made before.
"""

import re

_POSTED = (
    ("file", r":uploadToFileSearchStore$"),
    ("count_tokens", r"(count_tokens|count-tokens|:countTokens|/input_tokens|/tokenize)$"),
    ("batch", r"(/batches|/batch/jobs|:batchGenerateContent)$"),
    ("chat", r"/threads/[^/]+/runs(/[^/]+/submit_tool_outputs)?$"),
    (
        "other",
        r"/(threads|assistants|vector_stores|conversations|cachedContents|fileSearchStores|predictions|traces)\b",
    ),
    ("other", r"(/cancel|/requests|/videos/generations|:predictLongRunning|/ocr|/invocations)$"),
    ("file", r"/files$"),
    ("realtime", r"/realtime/"),
    ("embedding", r"(/embed|/embeddings|:embedContent|:batchEmbedContents)$"),
    ("embedding", r"/model/[^/]*embed[^/]*/invoke$"),
    ("embedding", r"embedding[^/]*:predict$"),
    ("image", r"/images(/generations|/edits|/variations)?$"),
    ("speech", r"(/audio/speech|/tts)$"),
    ("transcription", r"(/audio/transcriptions|/stt)$"),
    ("moderation", r"/moderations$"),
    ("rerank", r"/rerank$"),
    ("chat", r"(/chat/completions|/responses|/responses/compact|/messages|enerateContent)$"),
    ("chat", r"(/v1/chat|/v2/chat|/api/chat|/converse|/converse-stream|/invoke|/invoke-with-response-stream)$"),
    ("completion", r"(/completions|/complete|/api/generate|/v1/generate|/generation/text|/generation/text_stream)$"),
)
_OTHERWISE = (("file", r"/files/[^/]+(/content)?$"), ("model", r"(/models$|/v1/models/.*)"))


def type_of(method: str, path: str) -> str:
    """The type of a call to this path (without a query)."""
    for type_, pattern in _POSTED if method == "POST" else _OTHERWISE:
        if re.search(pattern, path):
            return type_
    return "other"
