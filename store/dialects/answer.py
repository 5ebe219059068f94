"""What has been understood of an answer so far, while its pieces are read one after another.

A whole answer is one piece, a stream many. Usage is told once or cumulatively, never in parts to be added: of each
of its fields the last value that is not null counts.
"""

from decimal import Decimal
from typing import Any

import msgspec

from store.anomalies import Anomalies, Anomaly
from store.call import CallError, Portion, Tokens

_decode_usage = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_encode_usage = msgspec.json.Encoder(decimal_format="number").encode
_NOTHING = (b"", b"null", b"{}")

Told = dict[str, Any]
"""What is billed by something other than tokens, by the names of `store.call.Units`; only what somebody counted."""


class Answer(msgspec.Struct):
    """Filled by a dialect's `take`."""

    id: str | None = None
    model: str | None = None  # the first that is not empty: later pieces repeat it or leave it out
    service_tier: str | None = None
    finish_reason: str | None = None
    error: CallError | None = None
    usage: dict[str, Any] | None = None
    raw_usage: bytes | None = None
    ended: bool = False  # a terminal event or a finish reason was seen
    output_open: bool = False  # the output count told so far is not the final one
    open: bool = False  # a piece said that others follow
    pending: bool = False  # accepted to be worked on later: nothing is answered or charged yet
    background: bool = False  # worked on whether anybody waits or not: a later call may tell the usage, also again
    instead: bool = False  # by somebody in front of the model, which was asked only if there are counts
    beside: dict[str, int] | None = None  # counts for what the usage object leaves out; see `beside.py`
    units: Told | None = None  # told outside of the usage object
    portions: tuple[Portion, ...] = ()  # likewise; one without a model is of the model that answered
    billed_beside: bool = False  # a tool was used that costs something, and nobody counts it
    cost_usd: Any = None  # likewise
    anomalies: list[Anomaly] = msgspec.field(default_factory=list)

    def take_usage(self, raw: msgspec.Raw) -> bool:
        """Lay this usage object over what was told before; False when there is none in it."""
        told = bytes(raw)
        if told in _NOTHING:
            return False
        try:
            usage = _decode_usage(told)
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
            self.note("odd_usage")
            return False
        if self.usage is None:
            self.usage, self.raw_usage = usage, told
        else:
            _overlay(self.usage, usage)
            self._write_usage(otherwise=told)
        return True

    def take_counts(self, **counts: Any) -> None:
        """The same for counts that stand one by one beside the text; those that are None are not there."""
        told = {name: count for name, count in counts.items() if count is not None}
        if told:
            if self.usage is None:
                self.usage = told
            else:
                _overlay(self.usage, told)
            self._write_usage(otherwise=None)

    def _write_usage(self, otherwise: bytes | None) -> None:
        try:
            self.raw_usage = _encode_usage(self.usage)
        except (ArithmeticError, RecursionError):  # numbers that it reads but does not write
            self.raw_usage = otherwise

    def tell(self, unit: str, count: int | Decimal | None) -> None:
        """Remember a count of something that is billed; the last one told is right."""
        if count is not None:
            if self.units is None:
                self.units = {}
            self.units[unit] = count

    def note(self, anomaly: Anomaly) -> None:
        if anomaly not in self.anomalies:
            self.anomalies.append(anomaly)


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        if value is None:
            continue
        standing = below.get(key)
        if isinstance(standing, dict) and isinstance(value, dict):
            _overlay(standing, value)
        else:
            below[key] = value


class Counted(msgspec.Struct, frozen=True):
    """A usage object understood."""

    tokens: Tokens | None
    anomalies: Anomalies = ()
    service_tier: str | None = None
    units: Told | None = None
    portions: tuple[Portion, ...] = ()  # one without a model is of the model that answered
