"""Where two strict readers of HTTP may differ, and why that is right or harmless. Anything else is a finding.

`ours` and `theirs` are what the own client and aiohttp's made of the same case.
"""

import re

from tests.upstream.asking import Seen
from tests.upstream.cases import Case

_FAULTS = {"upstream_broke_off", "upstream_timed_out", "upstream_unreachable"}


def explained(case: Case, ours: Seen, theirs: Seen) -> str | None:
    """Why they differ; None when they do and nobody knows why. "same" when they do not."""
    if _alike(ours) == _alike(theirs):
        return "same"
    for name, holds in _EXPLANATIONS:
        if holds(case, ours, theirs):
            return name
    return None


def _alike(one: Seen) -> Seen:
    """Without what nobody sees: a broken answer's end may be noticed as silence or as the end of the connection."""
    headers = tuple((name.lower(), value.strip(b" \t")) for name, value in one.headers)
    return Seen(one.end if one.end == "complete" else "broken", one.status, one.reason, headers, one.body)


def _broken(one: Seen) -> bool:
    return one.end in _FAULTS


def _stricter(case: Case, ours: Seen, theirs: Seen) -> bool:
    """Ours refuses the head; theirs took something out of it. Being strict is what is asked."""
    return ours.status is None and _broken(ours) and theirs.status is not None


def _later(case: Case, ours: Seen, theirs: Seen) -> bool:
    """Both see the same head and a broken body; one noticed the break some bytes earlier."""
    same_head = (ours.status, ours.reason) == (theirs.status, theirs.reason)
    prefix = ours.body.startswith(theirs.body) or theirs.body.startswith(ours.body)
    return same_head and _broken(ours) and _broken(theirs) and prefix


def _stricter_in_the_body(case: Case, ours: Seen, theirs: Seen) -> bool:
    """Ours calls a body broken whose framing is wrong, theirs passes it as whole."""
    return ours.status == theirs.status and _broken(ours) and theirs.end == "complete"


def _whole_read_refused(case: Case, ours: Seen, theirs: Seen) -> bool:
    """The body breaks in the same read as its head: theirs refuses both, ours passes on what came before the break, as
    the client would have seen it without a proxy, however the bytes were cut into reads."""
    return theirs.status is None and ours.status is not None and _broken(ours)


def _more_than_an_answer(case: Case, ours: Seen, theirs: Seen) -> bool:
    """Something follows the end of the answer (to HEAD, a body): ours takes the answer and ends the connection, theirs
    refuses the answer when both come in one read."""
    return ours.end == "complete" and theirs.status is None and len(case.answer) > _length_of(ours, case)


def _length_of(one: Seen, case: Case) -> int:
    """How many bytes the head alone has at least."""
    return case.answer.find(b"\r\n\r\n") + 4 + (0 if case.method == "HEAD" else len(one.body))


def _bytes_of_headers(case: Case, ours: Seen, theirs: Seen) -> bool:
    """Only header bytes differ: theirs drops or re-encodes what is no UTF-8, ours passes on what came."""
    rest = (ours.end, ours.status, ours.body) == (theirs.end, theirs.status, theirs.body)
    odd = re.search(rb"[\x80-\xff]", case.answer) is not None
    return rest and odd


def _reason_only(case: Case, ours: Seen, theirs: Seen) -> bool:
    """The reason phrase differs; it means nothing to anybody."""
    alike = (_alike(ours).end, ours.status, _alike(ours).headers, ours.body)
    return ours.reason != theirs.reason and alike == (
        _alike(theirs).end,
        theirs.status,
        _alike(theirs).headers,
        theirs.body,
    )


def _ended_with_its_connection(case: Case, ours: Seen, theirs: Seen) -> bool:
    """A body without a length that a reset ends: ours says it broke off, theirs may say it is whole; or the reset
    overtook bytes that had arrived."""
    return case.ends == "reset" and ours.status == theirs.status and (_broken(ours) or _broken(theirs))


_EXPLANATIONS = (
    ("ours refuses the head", _stricter),
    ("ours refuses the body", _stricter_in_the_body),
    ("theirs refuses the whole read", _whole_read_refused),
    ("more than an answer", _more_than_an_answer),
    ("broken for both, noticed earlier by one", _later),
    ("ended by a reset", _ended_with_its_connection),
    ("bytes of headers", _bytes_of_headers),
    ("reason phrase", _reason_only),
)
