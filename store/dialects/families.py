"""Which line of models a name belongs to, so far as the name says so: gpt, claude, gemini, grok, mistral, llama, ...

A line is what one vendor calls its own; aliases, dates, sizes and generations are of the same line (`grok-3-mini` and
`grok-4.3`, `pixtral-12b` and `ministral-14b-latest`). A name may tell of several (`deepseek-r1-distill-llama-70b`), or
of none: a deployment, a router, a fine-tuned model's nickname. Nothing is guessed from those.
"""

import re
from functools import lru_cache
from typing import Final

_LINES: Final[dict[str, str]] = {
    "gpt": r"chatgpt|gpt|davinci|babbage|codex|o[1-9](?:-(?:mini|preview|pro|deep-research))?(?![a-z0-9.])",
    "claude": r"claude",
    "gemini": r"gemini",
    "gemma": r"(?:code|med|shield)?gemma",
    "grok": r"grok",
    "mistral": r"mistral|mixtral|ministral|pixtral|codestral|devstral|magistral|voxtral|mathstral",
    "deepseek": r"deepseek",
    "llama": r"(?:code)?llama",
    "qwen": r"qwen|qwq|qvq",
    "cohere": r"command-(?:a|r|light|nightly|xlarge)(?![a-z])|(?:c4ai-)?aya-",
    "nova": r"nova-(?:micro|lite|pro|premier|sonic|canvas|reel)",
    "titan": r"titan-(?:text|embed|image|tg)",
    "phi": r"phi-?[1-9]",
    "kimi": r"kimi|moonshot",
    "glm": r"(?:chat)?glm",
    "jamba": r"jamba",
    "sonar": r"sonar",
    "minimax": r"minimax",
    "granite": r"granite",
}
_LINE: Final = re.compile(
    r"(?<![a-z])(?:" + "|".join(f"(?P<{line}>{names})" for line, names in _LINES.items()) + ")(?![a-z])"
)


@lru_cache(maxsize=4096)
def families(model: str) -> frozenset[str]:
    """The lines this name tells of."""
    found = (match.lastgroup for match in _LINE.finditer(model.lower().replace("_", "-")))
    return frozenset(line for line in found if line is not None)


def differ(asked: str | None, answered: str | None) -> bool:
    """Whether the names are surely of models of different families: each tells of some, and they share none."""
    if asked is None or answered is None or asked == answered:
        return False
    one, other = families(asked), families(answered)
    return bool(one and other) and one.isdisjoint(other)
