"""Takes credentials out of what is logged: the ones this process was given, and whatever looks like one.

Logs say what went wrong with what strangers sent, so this guesses, and rather strikes a word too many. It is the last
line: no message is meant to hold a credential at all.
"""

import re
from collections.abc import Iterable

from proxy.config.model import Config, Secret
from proxy.keys.secret import ANYWHERE
from proxy.target import REDACTED, SHORTEST_SECRET

_VALUE = rf"[^\s'\",;&<>(){{}}\[\]\\]{{{SHORTEST_SECRET},}}"
# After the name of a header, a parameter or a field: `x-api-key: v`, `?key=v`, `"token": "v"`, `(b'cookie', b'v')`;
# also in a text that another one quotes.
_NAMED = re.compile(
    r"((?:key|token|secret|authorization|cookie|passw(?:or)?d|credential|sig(?:nature)?|code)"
    rf"\\*['\"]?\s*[:=,]\s*(?:b?\\*['\"])?(?:(?:bearer|basic|token|key)\s+)?){_VALUE}",
    re.IGNORECASE,
)
_SCHEME = re.compile(rf"\b((?:bearer|basic)\s+){_VALUE}", re.IGNORECASE)
_VENDORS = re.compile(r"(?<![\w-])(?:sk-|gsk_|xai-|pplx-|tgp_|fw_|hf_|AIza|AKIA|ya29\.|eyJ)[\w.\-]{8,}")
_USER_INFO = re.compile(r"(?<=://)[^\s/@'\"]+@")


class Secrets:
    """Those that this process knows."""

    def __init__(self, known: Iterable[str]) -> None:
        # The longest first: one may hold another.
        self._known = sorted({one for one in known if len(one) >= SHORTEST_SECRET}, key=len, reverse=True)

    @classmethod
    def of(cls, config: Config) -> "Secrets":
        """Every one in the configuration."""
        found: list[Secret | None] = [
            config.dashboard.token, config.credits.webhook_secret, config.credits.webhook_url,
            *(upstream.api_key for upstream in config.upstreams.values()),
        ]  # fmt: skip
        return cls(one.reveal() for one in found if one is not None)

    def struck(self, text: str) -> str:
        """The text without them, and without what looks like one."""
        for secret in self._known:
            text = text.replace(secret, REDACTED)
        text = ANYWHERE.sub(REDACTED, text)
        text = _NAMED.sub(rf"\1{REDACTED}", text)
        text = _SCHEME.sub(rf"\1{REDACTED}", text)
        text = _VENDORS.sub(REDACTED, text)
        return _USER_INFO.sub(f"{REDACTED}@", text)
