"""`python -m bench.estimate`: how close estimates of tokens come to what providers reported, over recorded exchanges.

Of each recorded answer of text that reported its tokens, the usage is set aside and the tokens are estimated from the
bodies, by the plain rule and by the extra `tollbook[tokenizer]`. Left out is what no text tells: images, audio, files,
tools that run at the provider, conversations that are kept there; and, of the output, answers with reasoning, most of
which is not shown. `--write` puts the table into docs/estimates.md. TOLLBOOK_CORPUS names the folder of the recordings.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.lab import ROOT
from bench.page import write_between
from store.dialects import Document, dialect_of, estimate, read, tokenizer
from store.dialects.sse import events
from tests.recordings.corpus import Recording, recordings, where

_PROVIDERS = {"openai": "openai", "azure-openai": "openai", "mistral": "openai", "anthropic": "anthropic"}
_NOT_TEXT = (
    b'"image', b'"input_image', b'"input_audio', b'"audio', b'"file', b'"input_file', b'"document', b"web_search",
    b"code_interpreter", b"code_execution", b"file_search", b"previous_response_id", b'"mcp"', b"computer_use",
)  # fmt: skip
_FEW = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """One direction of one call: what was reported, and what is estimated."""

    reported: int
    plain: int
    counted: int | None  # by the tokenizer, for models that it knows

    @property
    def by_plain(self) -> float:
        return abs(self.plain - self.reported) / self.reported

    @property
    def by_counted(self) -> float | None:
        return None if self.counted is None else abs(self.counted - self.reported) / self.reported


def main() -> int:
    """The exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help="put the table into docs/estimates.md")
    found = where()
    if found is None:
        print("bench.estimate: no recordings; TOLLBOOK_CORPUS names their folder.", file=sys.stderr)
        return 1
    table = _table(recordings(found))
    print(table)
    if options.parse_args().write:
        write_between(ROOT / "docs" / "estimates.md", "estimate", table)
    return 0


def _table(all_of_them: Sequence[Recording]) -> str:
    pairs: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for recording in all_of_them:
        for direction, pair in _pairs(recording):
            pairs[f"{recording.provider} {recording.endpoint}", direction].append(pair)
    lines = [
        "| recordings | | calls | plain: median | p90 | sum | tokenizer: median | p90 | sum |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_line(name, direction, told) for (name, direction), told in sorted(pairs.items()) if len(told) >= _FEW]
    return "\n".join(lines)


def _line(name: str, direction: str, pairs: Sequence[Pair]) -> str:
    cells = _cells([pair.by_plain for pair in pairs], sum(pair.plain for pair in pairs), pairs)
    known = [pair for pair in pairs if pair.counted is not None]
    errors = [error for pair in known if (error := pair.by_counted) is not None]
    cells += _cells(errors, sum(pair.counted or 0 for pair in known), known)
    return f"| {name} | {direction} | {len(pairs):,} | {' | '.join(cells)} |"


def _cells(errors: list[float], estimated: int, pairs: Sequence[Pair]) -> list[str]:
    if not errors:
        return ["", "", ""]
    p90 = sorted(errors)[int(0.9 * len(errors))]
    bias = estimated / sum(pair.reported for pair in pairs) - 1
    return [f"{median(errors):.0%}", f"{p90:.0%}", f"{bias:+.0%}"]


def _pairs(recording: Recording) -> Iterator[tuple[str, Pair]]:
    dialect = _PROVIDERS.get(recording.provider)
    if dialect is None or recording.status != 200 or any(word in recording.request for word in _NOT_TEXT):
        return
    request, response = Document(recording.request), Document(recording.response)
    reading = read(
        dialect, recording.method, recording.target, recording.request_headers, request,
        recording.status, recording.response_headers, response,
    )  # fmt: skip
    tokens = reading.tokens
    if reading.type not in ("chat", "completion") or tokens is None or tokens.source != "reported":
        return
    if dialect_of(dialect, recording.path) not in ("openai", "anthropic"):
        return
    counting = tokenizer.installed()
    count = counting(reading.model or reading.requested_model) if counting is not None else None
    asked = estimate.asked(request, conversation=reading.type == "chat")
    if tokens.input:
        yield "in", Pair(tokens.input, asked.tokens(), None if count is None else asked.tokens(count))
    if tokens.output and not tokens.reasoning:
        said = estimate.streamed(events(response).all()) if response.form == "events" else estimate.answered(response)
        yield "out", Pair(tokens.output, said.tokens(), None if count is None else said.tokens(count))


if __name__ == "__main__":
    sys.exit(main())
