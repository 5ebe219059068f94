"""What `q` means: words that must all appear, "quoted phrases", and word* for words that begin so.

Everything else is literal: each term is handed to FTS5 as a quoted string, so nothing of its own syntax can leak.
Signs between letters separate words for FTS5 too: `foo-bar` finds foo followed by bar.
"""

import re

from store.search.letters import searchable, spaced

# A phrase that is never closed goes to the end.
_TERM = re.compile(r'"(?P<phrase>[^"]*)(?:"(?P<star>\*?))?|(?P<word>[^\s"]+)')


def expression(text: str) -> str | None:
    """The FTS5 expression for one value of `q`; None when it has nothing that can be searched for."""
    terms: dict[str, None] = {}
    for match in _TERM.finditer(text.replace("\0", " ")):  # which would end the expression
        phrase, word = match["phrase"], match["word"]
        term = phrase if word is None else word.rstrip("*")
        if not searchable(term):
            continue
        begins = match["star"] if word is None else word[len(term) :]
        # The star belongs to the last word; after a sign there is none it could belong to.
        terms['"' + spaced(term).strip() + '"' + ("*" if begins and term[-1].isalnum() else "")] = None
    return " AND ".join(terms) or None


def any_expression(values: tuple[str, ...]) -> str:
    """The FTS5 expression for any of these values, each of which can be searched for."""
    return " OR ".join(f"({found})" for value in values if (found := expression(value)) is not None)
