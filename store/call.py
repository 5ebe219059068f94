"""The finished record of a call, and the values it is made of. Frozen: nothing here is half-filled.

Unknown is `None`, never 0. Token buckets do not overlap, so the cost of a call is a plain sum over them.
(msgspec's structs, because a frozen dataclass of thirty fields takes ten times longer to make. They cannot refer to
themselves, so the collector of cycles need not know them: `gc=False`.)
"""

from decimal import Decimal
from typing import Literal

import msgspec

from proxy.journal.notes import Outcome
from store.anomalies import Anomalies

CallType = Literal[
    "chat", "completion", "embedding", "image", "speech", "transcription", "translation", "moderation",
    "rerank", "realtime", "batch", "file", "model", "count_tokens", "other",
]  # fmt: skip
Fault = Literal["client", "policy", "upstream", "proxy"]
CostState = Literal["reported", "priced", "estimated", "free", "unknown"]
TokenSource = Literal["reported", "estimated", "none"]


class Tokens(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Counts in disjoint buckets. `None` in a bucket: the answer did not tell it apart from the others.

    All input is the sum of the input buckets, all output the sum of the output buckets; `reasoning` is an
    "of which" of the output and is in no sum.
    """

    source: Literal["reported", "estimated"]
    input_uncached: int | None = None  # text, and anything not named below, at the plain input rate
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    input_image: int | None = None
    cache_read_audio: int | None = None
    output_text: int | None = None  # text and reasoning, at the plain output rate
    output_audio: int | None = None
    output_image: int | None = None
    reasoning: int | None = None
    cache_read_image: int | None = None

    @property
    def input(self) -> int | None:
        """Everything that went in, cached and written tokens included; None when nobody said."""
        return _sum(
            self.input_uncached, self.cache_read, self.cache_write_5m, self.cache_write_1h,
            self.input_audio, self.input_image, self.cache_read_audio, self.cache_read_image,
        )  # fmt: skip

    @property
    def output(self) -> int | None:
        """Everything that came out, reasoning included; None when nobody said."""
        return _sum(self.output_text, self.output_audio, self.output_image)

    @property
    def total(self) -> int | None:
        """Input and output together; None when neither is known."""
        return _sum(self.input, self.output)

    @property
    def cache_write(self) -> int | None:
        """Tokens written to a cache, for either lifetime."""
        if self.cache_write_1h is None:
            return self.cache_write_5m
        return _sum(self.cache_write_5m, self.cache_write_1h)

    @property
    def all_cache_read(self) -> int | None:
        """Tokens read from a cache: text, audio and images."""
        if self.cache_read_audio is None and self.cache_read_image is None:
            return self.cache_read
        return _sum(self.cache_read, self.cache_read_audio, self.cache_read_image)


def _sum(*parts: int | None) -> int | None:
    total: int | None = None
    for part in parts:
        if part is not None:
            total = part if total is None else total + part
    return total


class Units(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is billed by something other than tokens; None = not counted in this call."""

    images: int | None = None
    seconds: Decimal | None = None
    characters: int | None = None
    web_searches: int | None = None  # by tools on the provider's side, as the response counts them
    file_searches: int | None = None
    pages: int | None = None  # of documents that were read
    annotated_pages: int | None = None  # of which those with annotations
    search_units: int | None = None  # of reranking
    text_messages: int | None = None  # typed into a spoken conversation
    citation_tokens: int | None = None  # of sources that were cited; in no sum of tokens
    video_in: int | None = None  # tokens of video; of which of the plain input
    video_out: int | None = None  # likewise of the plain output


NO_UNITS = Units()  # the one to be used, so that asking for identity is mostly enough


class Portion(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What another model did within the same call: a tool's adviser, a model behind an agent, a transcriber."""

    model: str
    tokens: Tokens | None = None
    units: Units = NO_UNITS
    beside: bool = True  # on top of the call's own counts; else they are part of them, and are not priced twice


class CallError(msgspec.Struct, frozen=True, gc=False):
    """What went wrong, in the upstream's or in Tollbook's words."""

    type: str | None
    code: str | None
    message: str | None


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a dialect understood of one exchange. Nothing in it is guessed, except tokens marked `estimated`."""

    type: CallType
    requested_model: str | None = None
    model: str | None = None  # the one that answered
    stream: bool = False
    tokens: Tokens | None = None
    units: Units = NO_UNITS
    portions: tuple[Portion, ...] = ()  # priced each by its own model
    raw_usage: bytes | None = None  # the provider's own usage object, as JSON
    reported_cost_usd: Decimal | None = None
    service_tier: str | None = None  # as served
    error: CallError | None = None
    finish_reason: str | None = None
    finished: bool = False  # the answer reached its own end: a terminal event, a finish reason, a whole document
    response_id: str | None = None
    background: bool = False  # made while nobody waited: every call that asks for it is told its tokens again
    user: str | None = None
    session: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    anomalies: Anomalies = ()


class CostLine(msgspec.Struct, frozen=True, gc=False):
    """kind x count x rate = amount; the rate is USD per million tokens, or USD per unit when `per_unit`."""

    kind: str
    count: Decimal
    rate: Decimal
    usd: Decimal
    per_unit: bool = False
    model: str | None = None  # another one than the call's, whose portion this is
    entry: str | None = None  # by which price that portion was priced: source, entry and day in one


class Cost(msgspec.Struct, frozen=True, gc=False):
    """What a call cost and how that is known."""

    state: CostState
    nano_usd: int | None = None  # None exactly when `state` is unknown
    lines: tuple[CostLine, ...] = ()
    source: str | None = None  # "upstream", "config", "genai-prices"
    entry: str | None = None  # which entry of that source
    since: str | None = None  # ISO date the entry applies from, if it says
    cache_saved: int | None = None  # nano-USD that caching of the prompt spared; negative when writing cost more
    missing: str | None = None  # what an unknown cost lacks (store/pricing/missing.py)
    anomalies: Anomalies = ()  # what should make a reader wonder about the amount


class Call(msgspec.Struct, frozen=True, gc=False):
    """One row of the book."""

    call_id: bytes
    boot_id: str
    seq: int
    started_at_us: int
    upstream: str | None
    dialect: str
    method: str
    target: str
    key: str | None
    group: str
    client: str
    user_agent: str | None
    status: int | None
    outcome: Outcome
    fault: Fault | None
    duration_us: int | None
    asked_us: int | None
    answered_us: int | None
    first_token_us: int | None
    overhead_us: int | None
    reading: Reading
    error: CallError | None
    upstream_request_id: str | None
    cost: Cost
    usage_micro: int | None
    request_bytes: int
    response_bytes: int
    sent_bytes: int
    anomalies: Anomalies = ()
    pause_us: int | None = None
    held_us: int | None = None
    uploaded_us: int | None = None

    @property
    def charged_response(self) -> str | None:
        """The id of the response that this call is charged for, where other calls may be told the same."""
        reading = self.reading
        told = reading.reported_cost_usd is not None or reading.units != NO_UNITS
        told = told or (reading.tokens is not None and reading.tokens.source == "reported")
        return reading.response_id if reading.background and told else None

    @property
    def failed(self) -> bool:
        """Whether every count of errors counts this call."""
        return (
            (self.status is not None and self.status >= 400)
            or self.error is not None
            or self.outcome not in ("completed", "client_left")
        )
