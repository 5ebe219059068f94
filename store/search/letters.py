"""Letters as the index sees them; what is indexed and what is searched for go through the same function.

The tokenizer (unicode61) takes a run of letters and digits for a word, folds case and drops diacritics. In scripts that
put no spaces between words a whole sentence would be one word, so there each character is made a word of its own, and
a run of them is searched as a phrase. That costs nothing where there are none. A trigram index would find parts of
words everywhere, but was measured six times slower to write and seven times larger, and it cannot find what has fewer
than three characters, as most Chinese words do.
"""

import re

_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Hiragana, Katakana
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)


def spaced(text: str) -> str:
    """The same with spaces around each character of a script that has none between words."""
    return text if text.isascii() else _UNSPACED.sub(r" \g<0> ", text)


def searchable(text: str) -> bool:
    """Whether there is a letter or a digit in it; the tokenizer skips everything else."""
    return any(map(str.isalnum, text))
