"""Lines of JSON are a stream, told by the body, and are read wherever they are cut."""

import pytest

from store.dialects import Document, read
from tests.dialects.wire import Case, cases

STREAMS = [case for case in cases() if Document(case.response).form == "lines"]
LINE = b'{"model":"llama3.2","message":{"role":"assistant","content":"Hello"},"done":false}\n'
LAST = b'{"model":"llama3.2","done":true,"done_reason":"stop","prompt_eval_count":17,"eval_count":63}\n'


def ids(case: Case) -> str:
    return case.name


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b'{"a":1}\n{"b":2}\n', "lines"),
        (b'{"a":1}\r\n{"b":2}', "lines"),
        (b'\n\n {"a":1} \n\n{"b":2}', "lines"),
        (b'{"a":1}\n', "json"),
        (b'{"a":1}', "json"),
        (b'{\n "a": {\n }\n}\n', "json"),
        (b'[{"a":1},\n{"b":2}]', "json"),
        (b'{"a":[{"b":1},\n{"c":2}]}', "json"),
        (b'{"a":"}\\n{"}', "json"),
    ],
)
def test_form(body: bytes, form: str) -> None:
    """An object that ends with its line, followed by another, is one of several; nothing within one object looks so."""
    assert Document(body).form == form


def test_form_of_what_is_cut() -> None:
    """Lines longer than what was kept are told by the line break in the tail."""
    long = b'{"response":"' + b"x" * 50
    assert Document(long, b'xxx"}\n' + LINE + LAST, cut=True).form == "lines"
    assert Document(LINE + long, b'xxx"}\n', cut=True).form == "lines"
    assert Document(long, b'xxx"}', cut=True).form == "json"


@pytest.mark.parametrize("case", STREAMS, ids=ids)
def test_broken_off_at_every_byte(case: Case) -> None:
    """A stream that broke off has the reported counts, an estimate or none, and is never taken for a finished one."""
    known = case.read()
    for length in range(len(case.response)):
        reading = case.read(Document(case.response[:length]))
        if reading.tokens is not None and reading.tokens.source == "reported":
            assert reading.tokens == known.tokens, length


@pytest.mark.parametrize("case", STREAMS, ids=ids)
def test_long_stream(case: Case) -> None:
    """A stream of which only the ends are looked at is read as if every line had been."""
    first, _, rest = case.response.partition(b"\n")
    padding = b'{"done":false,"is_finished":false}\n' * 1000
    assert case.read(Document(first + b"\n" + padding + rest)) == case.read()


@pytest.mark.parametrize("case", STREAMS, ids=ids)
def test_middle_not_kept(case: Case) -> None:
    """A stream of which the middle was not kept is read from its first and its last lines."""
    first, _, rest = case.response.partition(b"\n")
    cut = Document(first + b'\n{"response":"torn', b'... the end of a line"}\n' + rest, cut=True)
    assert case.read(cut) == case.read()


def test_the_end_of_a_line_that_was_not_kept_whole() -> None:
    """The counts of a last line longer than the tail, as with the numbers of a context, are found in its end."""
    last = b'{"model":"m","response":"","done":true,"context":[%b],"prompt_eval_count":17,"eval_count":63}\n'
    stream = b'{"model":"m","response":"Hi","done":false}\n' + last % b",".join([b"128000"] * 2000)
    kept = Document(stream[:1000], stream[-1000:], cut=True)
    reading = read("ollama", "POST", "/api/generate", (), Document(b"{}"), 200, (), kept)
    assert reading.tokens is not None
    assert (reading.tokens.source, reading.tokens.input, reading.tokens.output) == ("reported", 17, 63)


def test_a_stream_of_one_line_is_not_finished() -> None:
    """What broke off after its first line is told from an answer that is one object."""
    broken = read("ollama", "POST", "/api/chat", (), Document(b"{}"), 200, (), Document(LINE))
    whole = read("ollama", "POST", "/api/chat", (), Document(b"{}"), 200, (), Document(LAST))
    assert (broken.finished, whole.finished) == (False, True)
    assert broken.anomalies == ("no_terminator",)
