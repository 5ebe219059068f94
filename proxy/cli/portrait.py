"""One call drawn for a person: every section from facts to bodies, in the order of the questions people have."""

import json
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from proxy.cli import wording
from proxy.cli.conversation import messages_of
from proxy.cli.screen import Cell, Column, console, on_terminal, print_table, text

_BAR = 30  # characters of the longest bar

Call = Mapping[str, Any]


def draw(call: Call, zone: tzinfo | None) -> None:
    """Print everything about the call that a person can read."""
    _facts(call, zone)
    _anomalies(call)
    _timings(call)
    _tokens(call)
    _cost(call, zone)
    _error(call)
    request, response = call.get("request") or {}, call.get("response") or {}
    _mapping("Parameters", call.get("parameters") or {})
    messages = messages_of(request.get("body"))
    if messages:
        _heading("Messages")
        for role, words in messages:
            _block(role, words)
    elif request.get("body") is not None:
        _heading("Request")
        _block(None, _readable(request["body"]))
    _answer(response)
    _mapping("Request headers", _headers(request))
    _mapping("Response headers", _headers(response))


def _heading(words: str) -> None:
    out = console()
    out.print()
    out.print(text(words, "bold"), soft_wrap=True)


def _pairs(pairs: Sequence[tuple[str, str, str]]) -> None:
    """Names and values, aligned; long values wrap on a terminal and stay whole in a pipe."""
    print_pairs = [(name, value, style) for name, value, style in pairs if value]
    size = max((len(name) for name, _, _ in print_pairs), default=0)
    from rich.padding import Padding
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=min(size, 24), overflow="fold")
    table.add_column(overflow="fold")
    for name, value, style in print_pairs:
        table.add_row(text(name, "dim"), text(value, style))
    out = console()
    with out.capture() as captured:
        out.print(Padding(table, (0, 0, 0, 2), expand=False))
    for line in captured.get().splitlines():
        out.file.write(line.rstrip() + "\n")


def _mapping(heading: str, values: Mapping[str, Any]) -> None:
    if values:
        _heading(heading)
        _pairs(
            [(str(name), value if isinstance(value, str) else _compact(value), "") for name, value in values.items()]
        )


def _facts(call: Call, zone: tzinfo | None) -> None:
    status, outcome, error = call["status"], call["outcome"], call["error"]
    ended = wording.ending(status, outcome, error)
    requested = call["requested_model"]
    model = call["model"] or wording.UNKNOWN
    if requested and requested != model:
        model += f" (asked for {requested})"
    tags = ", ".join(f"{name}={value}" for name, value in (call["tags"] or {}).items())
    out = console()
    out.print(text(f"Call {call['id']}", "bold"), soft_wrap=True)
    fault = ", by a limit that is set here" if call.get("fault") == "policy" else ""
    fault = fault or (f", fault of the {call['fault']}" if call.get("fault") else "")
    _pairs([
        ("Time", wording.moment(call["time"], zone, form="%Y-%m-%d %H:%M:%S.%f %Z"), ""),
        ("Ended", f"{ended}{'' if status is None else f' {outcome}' if outcome == 'completed' else ''}{fault}",
         wording.colour(status, outcome, error) or "green"),
        ("Model", model, ""),
        ("Type", call["type"] + (", streamed" if call["stream"] else ""), ""),
        ("Upstream", call["upstream"] or "none", ""),
        ("Upstream's id", call.get("upstream_request_id") or "", ""),
        ("Finish reason", call.get("finish_reason") or "", ""),
        ("Key", f"{call['key'] or 'none'} (group {call['group']})", ""),
        ("User", call["user"] or "", ""),
        ("Session", call["session"] or "", ""),
        ("Tags", tags, ""),
        ("Usage", "unknown" if call["usage"] is None else f"{wording.usage(call['usage'])} credits", ""),
    ])  # fmt: skip


def _anomalies(call: Call) -> None:
    from store.anomalies import CATALOGUE

    if names := call.get("anomalies"):
        _heading("Anomalies")
        _pairs([(name, CATALOGUE.get(name, "Noted by another version of Tollbook."), "yellow") for name in names])


_WORTH_TELLING_MS = 1
_TIMING_WORDS = {
    "asked_ms": "Request sent on",
    "uploaded_ms": "All of it",
    "answered_ms": "Upstream's headers",
    "first_token_ms": "First token",
    "duration_ms": "Complete",
    "overhead_ms": "Of which Tollbook",
    "longest_pause_ms": "Longest pause",
    "client_wait_ms": "Waited for client",
}


def _timings(call: Call) -> None:
    timings = {**(call.get("timings") or {})}
    for name in ("first_token_ms", "duration_ms", "overhead_ms"):
        timings.setdefault(name, call.get(name))
    known = {name: value for name in _TIMING_WORDS if isinstance(value := timings.get(name), int | float)}
    for name in ("longest_pause_ms", "client_wait_ms"):  # of most calls there is nothing to tell
        if known.get(name, 0) < _WORTH_TELLING_MS:
            known.pop(name, None)
    _heading("Timings")
    if not known:
        _pairs([("Complete", wording.UNKNOWN, "")])
        _reasons(call)
        return
    longest = max(known.values()) or 1
    rows = [
        [
            Cell(f"  {words}", "dim"),
            Cell(wording.duration(timings.get(name))),
            Cell("█" * round(_BAR * known[name] / longest) if name in known else "", "cyan"),
        ]
        for name, words in _TIMING_WORDS.items()
        if name in known or name == "duration_ms"
    ]
    print_table([Column(""), Column("", "right"), Column("")], rows, headings=False)
    _reasons(call)


def _reasons(call: Call) -> None:
    for reason in (call.get("pace") or {}).get("reasons", ()):
        console().print(text(f"  {reason['sentence']}"), soft_wrap=True)


_TOKEN_WORDS = (
    ("input", "Input"),
    ("cache_read", "  of which read from a cache"),
    ("cache_write", "  of which written to a cache"),
    ("output", "Output"),
    ("reasoning", "  of which reasoning"),
    ("total", "Total"),
)
_PART_WORDS = (  # what the sums above do not tell apart; left out where there is none
    ("cache_write_5m", "Written for 5 minutes"),
    ("cache_write_1h", "Written for an hour"),
    ("input_audio", "Audio in"),
    ("input_image", "Images in"),
    ("cache_read_audio", "Audio read from a cache"),
    ("cache_read_image", "Images read from a cache"),
    ("output_audio", "Audio out"),
    ("output_image", "Images out"),
)


def _tokens(call: Call) -> None:
    tokens = call["tokens"]
    _heading({"estimated": "Tokens (estimated)", "none": "Tokens (nobody told)"}.get(tokens["source"], "Tokens"))
    parts = tokens.get("parts") or {}
    told = [(words, tokens.get(name)) for name, words in _TOKEN_WORDS]
    told += [(words, parts[name]) for name, words in _PART_WORDS if parts.get(name)]
    rows = [[Cell(f"  {words}", "dim"), Cell(wording.count(number))] for words, number in told]
    print_table([Column(""), Column("", "right")], rows, headings=False)


def _cost(call: Call, zone: tzinfo | None) -> None:
    cost = call["cost"]
    _heading(f"Cost ({cost['state']})")
    rows = []
    for line in cost.get("lines") or ():
        per_unit = line.get("rate_usd_per_million") is None
        rate = line["rate_usd"] if per_unit else line["rate_usd_per_million"]
        unit = f"per {line['kind'].replace('_', ' ')}" if per_unit else "per million"
        whose = f" ({line['model']})" if line.get("model") else ""
        rows.append([
            Cell(f"  {line['kind']}{whose}", "dim"),
            Cell(wording.count(_number(line["count"]))),
            Cell(f"× {wording.money(rate, exact=True)} {unit}"),  # noqa: RUF001 - a multiplication
            Cell(f"= {wording.money(line['usd'], exact=True)}"),
        ])  # fmt: skip
    total = wording.money(cost["usd"], exact=True)
    rows.append([Cell("  Total", "bold"), Cell(""), Cell(""), Cell(total if not rows else f"= {total}", "bold")])
    print_table([Column(""), Column("", "right"), Column(""), Column("")], rows, headings=False)
    if cost.get("missing"):
        from store.pricing.missing import in_words

        _pairs([("Unknown because", in_words(cost["missing"]), "")])
    price = cost.get("price") or {}
    if price.get("source"):
        since = f", since {price['since']}" if price.get("since") else ""
        entry = f", entry {price['entry']}" if price.get("entry") else ""
        _pairs([("Price", f"{price['source']}{entry}{since}", "")])
    portions = {line["model"]: line["price"] for line in cost.get("lines") or () if line.get("model")}
    _pairs([(f"Price of {model}", told, "") for model, told in portions.items()])
    for one in cost.get("repriced") or ():
        until = wording.moment(one["at"], zone, form="%Y-%m-%d %H:%M:%S %Z")
        _pairs([(f"Until {until}", _before(one), "")])


def _before(one: Mapping[str, Any]) -> str:
    """What a call said of its cost before it was computed anew, and who did that."""
    entry = one["price"].get("entry")
    by_price = f" by {one['price']['source']}, entry {entry}" if entry else ""
    usage = "" if one["usage"] is None else f", {wording.usage(one['usage'])} credits"
    return f"{wording.money(one['usd'], exact=True)} ({one['state']}{by_price}{usage}); computed anew by {one['by']}"


def _number(value: Any) -> int | Decimal:
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else number


def _error(call: Call) -> None:
    error = call["error"]
    if error:
        _heading("Error")
        _pairs([
            ("Type", error.get("type") or "", ""),
            ("Code", error.get("code") or "", ""),
            ("Message", error.get("message") or wording.UNKNOWN, "red"),
        ])  # fmt: skip


def _answer(response: Call) -> None:
    answer, body = response.get("text"), response.get("body")
    if answer:
        _heading("Answer" + (" (cut)" if response.get("truncated") else ""))
        _block(None, answer)
    elif body is not None:
        _heading("Response" + (" (cut)" if response.get("truncated") else ""))
        _block(None, _readable(body))
    elif response.get("bytes"):
        _heading("Response (not kept)")
    if response.get("bytes"):
        _pairs([("Size", f"{wording.count(response['bytes'])} bytes", "")])


def _headers(side: Call) -> Mapping[str, Any]:
    headers = side.get("headers") or {}
    if isinstance(headers, Mapping):
        return headers
    gathered: dict[str, str] = {}
    for name, value in headers:
        gathered[name] = f"{gathered[name]}, {value}" if name in gathered else value
    return gathered


def _block(label: str | None, words: str) -> None:
    """Text of a stranger: indented, so that it cannot pass for our own headings."""
    from rich.padding import Padding

    out = console()
    if label is not None:
        out.print(text(f"  {label}", "cyan"), soft_wrap=True)
    indent = 4 if label is not None else 2
    body = text(words, lines=True)
    if on_terminal():
        body.overflow = "fold"
        out.print(Padding(body, (0, 0, 0, indent), expand=False))
        return
    for line in body.plain.split("\n"):
        out.file.write(" " * indent + line + "\n")


def _readable(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
