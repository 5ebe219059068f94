"""Which messages of a session tell what must be in the book even if this process dies the next moment.

By their bytes alone, whatever the dialect: what they mean is the store's to find out, and one that only looks like it
does no harm. Asked of messages whose audio has been taken out, which leaves little to look through.
"""

import re

_TELLS = re.compile(
    rb'"(?:usage(?:Metadata)?"\s*:\s*\{\s*"'  # not `null`, nor `{}`: those are of responses that have only begun
    rb'|(?:transcription_)?session\.(?:created|updated|started|closed)"'  # the models
    rb'|interaction\.completed"'
    rb'|response\.(?:done|completed|incomplete|failed)"'
    rb'|turnComplete"'
    rb'|Metadata"|Termination"'  # how much was heard, at the end of it: Deepgram's and AssemblyAI's
    rb'|(?:Speech|Session)Metadata"'  # how much was said: Deepgram's
    rb'|[eE]rror"\s*[,}])'  # a type, not the name of a member
)


def tells(data: bytes) -> bool:
    """Whether what the upstream sent tells of models, of usage, of the end of a turn, or of an error."""
    return _TELLS.search(data) is not None
