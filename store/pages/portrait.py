"""One call as the templates draw it: what JSON tells of it, and what is made of that for people."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from proxy.config.model import Config, Group
from store.anomalies import CATALOGUE
from store.dialects import dialect_of
from store.dialects.document import Document
from store.moments import at, moment_us, rfc3339
from store.pace import Measured
from store.pages import ending, raw
from store.pages.arithmetic import Account, account
from store.pages.breakdown import exactly
from store.pages.conversation import Allowance, Shown, ShownTool, Turn, shown, tools, turns
from store.pages.curl import Again, again, announced
from store.pages.state import State
from store.pages.timeline import Stretch, timeline
from store.presentation import exchanged, readable
from store.questions.call import InFull

LIST: Final = "/logs"
_CONVERSATION: Final = 110_000  # characters of it that one page takes
_SHORT: Final = 8_000  # characters of a parameter, or of the provider's own usage
_ONE_LINE: Final = 120
_SHORTLY_US: Final = 120_000_000


@dataclass(frozen=True, slots=True)
class Portrait:
    """What the templates draw: the call as JSON tells it, and what is made of it for people."""

    call: dict[str, Any]
    zone: ZoneInfo
    back: str  # the list to go back to
    tone: str
    ending: str
    blame: str | None
    status_name: str
    nobody_answered: bool  # the model named is the one that was asked for
    speed: float | None  # tokens of the answer in a second, once it had begun
    oddities: list[tuple[str, str | None]]
    parameters: list[tuple[str, Shown]]
    asked: list[Turn]
    tools: list[ShownTool]
    answered: list[Turn]
    text: Shown | None  # the answer as text, where it cannot be told in parts
    raw_request: Shown | None
    raw_response: Shown | None
    bodies_off: bool
    unread: bool  # the request had a body, of which nothing was taken
    account: Account
    raw_usage: Shown | None
    timeline: list[Stretch]
    again: Again

    @property
    def address(self) -> str:
        """The page of this call, from which one comes back to the same list."""
        kept = f"?{urlencode({'back': self.back})}" if self.back != LIST else ""
        return f"{LIST}/{self.call['id']}{kept}"

    def filtered(self, name: str, value: str) -> str:
        """The list of the calls that have this value."""
        return State(LIST, ((name, value),)).address

    @property
    def around(self) -> str | None:
        """The list of what the same key called shortly before and after: attempts before this one, and the next."""
        whose = exactly(self.call["key"])
        if whose is None:
            return None
        begin = moment_us(self.call["time"], at(0), self.zone)
        end = begin + round((self.call["duration_ms"] or 0) * 1000)
        times = (("from", rfc3339(begin - _SHORTLY_US)), ("to", rfc3339(end + _SHORTLY_US)))
        return State(LIST, (*times, ("key", whose))).address


def portrait(found: InFull, config: Config, zone: ZoneInfo, back: str) -> Portrait:
    """The portrait of this call. Takes milliseconds when it is long: not for the event loop."""
    call = found.told
    request, response = found.request, found.response
    nothing = Document(b"")
    said = exchanged(
        call["dialect"], call["method"], call["target"], request.body or nothing, call["status"],
        response.body or nothing,
    )  # fmt: skip
    room = Allowance(_CONVERSATION)
    answered = turns(said.answered, room)
    asked = turns(said.asked, room)
    apart = Allowance(2 * raw.MOST_ON_A_PAGE)
    text = call["response"]["text"]
    group = config.groups.get(call["group"], Group(call["group"], Decimal(1)))
    return Portrait(
        call=call,
        zone=zone,
        back=back,
        tone=ending.tone(call),
        ending=ending.ending(call),
        blame=ending.blame(call),
        status_name="" if call["status"] is None else ending.status_name(call["status"]),
        nobody_answered=call["status"] is None or call["status"] >= 400,
        speed=_speed(call),
        oddities=[(name, CATALOGUE.get(name)) for name in call["anomalies"]],
        parameters=[(name, shown(_setting(value), room, _SHORT)) for name, value in call["parameters"].items()],
        asked=asked,
        tools=tools(said.tools, room),
        answered=answered,
        text=shown(text, room) if text and not answered else None,
        raw_request=None if request.body is None else raw.beginning(call["request"]["body"], apart),
        raw_response=None if response.body is None else raw.beginning(call["response"]["body"], apart),
        bodies_off=config.capture.bodies == "none",
        unread=not call["request"]["bytes"] and announced(request.headers),
        account=account(call, group.ratio, config.credits.per_usd),
        raw_usage=None
        if call["tokens"]["raw"] is None
        else shown(readable(call["tokens"]["raw"], _SHORT), Allowance(_SHORT + 200), _SHORT),
        timeline=timeline(call["timings"].get("parts") or [], streamed=call["first_token_ms"] is not None),
        again=again(
            call["id"], call["upstream"], _credential_of(call["dialect"], call["target"].partition("?")[0]),
            call["method"], call["target"], request.headers, request.body, call["request"]["bytes"],
            config.proxy.listen, credential=call["key"] is not None, streamed=call["stream"],
        ),
    )  # fmt: skip


def _credential_of(dialect: str, path: str) -> str:
    """The dialect by whose manners a credential is presented: clouds have their own, whosever format is spoken."""
    return dialect if dialect in ("azure", "vertex", "bedrock") else dialect_of(dialect, path)


def _setting(value: Any) -> str:
    """A parameter on one line where it fits on one."""
    text = readable(value, _SHORT)
    return " ".join(text.split()) if not isinstance(value, str) and len(text) < _ONE_LINE else text


def _speed(call: dict[str, Any]) -> float | None:
    whole, first, held = call["duration_ms"], call["first_token_ms"], call["timings"].get("client_wait_ms")
    measured = Measured(
        duration_us=None if whole is None else round(whole * 1000),
        first_token_us=None if first is None else round(first * 1000),
        held_us=None if held is None else round(held * 1000),
        output_tokens=call["tokens"]["output"],
        streamed=call["stream"],
    )
    return measured.tokens_per_second
