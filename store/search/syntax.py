"""What `q` means: words that must all appear, "quoted phrases", and word* for words that begin so.

Everything else is literal: each term is handed to FTS5 as a quoted string, so nothing of its own syntax can leak.
Signs between letters separate words for FTS5 too: `foo-bar` finds foo followed by bar.
"""

import re

from store.search.letters import searchable, spaced

_LAST_WORD = re.compile(r"[^\W_]+ ?$")  # with the space that follows a character which is a word of its own
# A phrase that is never closed goes to the end.
_TERM = re.compile(r'"(?P<phrase>[^"]*)(?:"(?P<star>\*?))?|(?P<word>[^\s"]+)')


def expression(text: str) -> str:
    """The FTS5 expression for one value of `q`.

    Raises:
        ValueError: it has nothing that can be searched for; the message says why.
    """
    terms: dict[str, None] = {}
    for match in _TERM.finditer(text.replace("\0", " ")):  # which would end the expression
        phrase, word = match["phrase"], match["word"]
        term = phrase if word is None else word.rstrip("*")
        if not searchable(term):
            continue
        begins = match["star"] if word is None else word[len(term) :]
        # The star belongs to the last word; after a sign there is none it could belong to.
        begun = _LAST_WORD.search(spaced(term)) if begins else None
        if begun is not None and len(begun[0]) == 1:
            raise ValueError("put at least two letters before *; one begins too many words")
        terms['"' + spaced(term).strip() + '"' + ("*" if begun else "")] = None
    if not terms:
        raise ValueError("there is no letter or digit in it to search for")
    return " AND ".join(terms)


def any_expression(values: tuple[str, ...]) -> str:
    """The FTS5 expression for any of these values, each of which can be searched for."""
    return " OR ".join(f"({expression(value)})" for value in values)
