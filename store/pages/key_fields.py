"""What people write into the forms about keys: read by the same functions as on the command line, all mistakes at once.

What was typed goes back into its field, so that one mistake does not cost the rest; but never what looks like a secret.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from proxy.config.budget import PERIODS, Budget, read_budget
from proxy.keys import written
from proxy.keys.key import DEFAULT_GROUP, Key
from proxy.keys.secret import ANYWHERE
from store.pages.form import Form

_T = TypeVar("_T")

_BOUNDS: Final = ("expires", "models", "per_minute", "concurrent", *(f"budget_{one}" for one in PERIODS))
TEXTS: Final = ("name", "group", *_BOUNDS)
BOUNDS: Final = (*_BOUNDS, "upstreams")
_LONGEST_SHOWN: Final = 2000
_BETWEEN: Final = re.compile(r"[\s,]+")


@dataclass(slots=True)
class Fields:
    """A form as it is shown: what stands in its fields, and what is wrong with some."""

    typed: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TEXTS, ""))
    upstreams: Sequence[str] = ()
    mistakes: dict[str, str] = field(default_factory=dict)  # by field; "" for what belongs to none

    @classmethod
    def of_form(cls, form: Form) -> "Fields":
        """As somebody filled it in."""
        typed = {name: harmless(form.value(name)) for name in TEXTS}
        return cls(typed, [harmless(one) for one in form.values("upstreams")])

    @classmethod
    def of_key(cls, key: Key) -> "Fields":
        """As it is before somebody changes it."""
        fields = cls(upstreams=key.upstreams)
        fields.typed |= {
            "name": key.name,
            "group": key.group,
            "expires": expires_text(key),
            "models": " ".join(key.models),
            "per_minute": str(key.per_minute or ""),
            "concurrent": str(key.concurrent or ""),
            **{f"budget_{one.period}": f"{one.credits:f}" for one in key.budgets},
        }
        return fields

    def read(self, name: str, text: str, reader: Callable[[str], _T]) -> _T | None:
        """The value; None, with the mistake noted, where it makes no sense."""
        try:
            return reader(text)
        except ValueError as wrong:
            self.mistakes[name] = sentence(str(wrong))
            return None

    def name(self, form: Form, field_name: str = "name") -> str:
        """The name of a key."""
        return self.read(field_name, form.value(field_name), written.name) or ""

    def group(self, form: Form) -> str:
        """The group; the one of everybody when none is named."""
        return self.read("group", form.value("group") or DEFAULT_GROUP, written.name) or ""

    def bounds(
        self, form: Form, upstreams: Collection[str], now: datetime, before: Key | None = None
    ) -> dict[str, Any]:
        """What the key may do: the arguments of `Register.create` and `limit`."""
        return {
            "expires_at": self._expiry(form, now, before),
            "models": self._models(form),
            "upstreams": self._upstreams(form, {*upstreams, *(before.upstreams if before else ())}),
            "budgets": self._budgets(form),
            "per_minute": self._calls(form, "per_minute"),
            "concurrent": self._calls(form, "concurrent"),
        }

    def _expiry(self, form: Form, now: datetime, before: Key | None) -> datetime | None:
        text = form.value("expires")
        if not text:
            return None
        if before is not None and text == expires_text(before):
            return before.expires_at  # which may be in the past
        return self.read("expires", text, lambda typed: written.expiry(typed, now))

    def _models(self, form: Form) -> tuple[str, ...]:
        return self.read("models", form.value("models"), _models) or ()

    def _upstreams(self, form: Form, there_are: Collection[str]) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(form.values("upstreams")))
        if not set(chosen) <= set(there_are):
            self.mistakes["upstreams"] = "There is no such upstream."
        return chosen

    def _budgets(self, form: Form) -> tuple[Budget, ...]:
        found = []
        for period in PERIODS:
            name = f"budget_{period}"
            if text := form.value(name):
                found.append(self.read(name, f"{text}/{period}", _budget))
        return tuple(one for one in found if one is not None)

    def _calls(self, form: Form, name: str) -> int | None:
        text = form.value(name)
        return self.read(name, text, _calls) if text else None


def sentence(text: str) -> str:
    """What is wrong, as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def harmless(text: str) -> str:
    """What may be shown again: nothing where somebody pasted a secret."""
    return "" if ANYWHERE.search(text) or text.startswith("sk-") else text[:_LONGEST_SHOWN]


def expires_text(key: Key) -> str:
    """The end of a key as its form has it."""
    return "" if key.expires_at is None else key.expires_at.astimezone(UTC).isoformat(timespec="seconds")


def _models(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(written.pattern(word) for word in _BETWEEN.split(text) if word))


def _budget(text: str) -> Budget:
    # Commas between thousands only: taken out of `1,5`, ten times as much would be left.
    if not re.fullmatch(r"([0-9]{1,12}|[0-9]{1,3}(,[0-9]{3}){1,3})(\.[0-9]{1,6})?/[a-z]+", text):
        raise ValueError("must be a number of credits, such as 50000, with at most six decimals")
    return read_budget(text.replace(",", ""))


def _calls(text: str) -> int:
    return written.calls(int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0)
