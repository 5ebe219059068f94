"""What tools on OpenAI's side did within a response: searches, which are billed each, and images, which another model
makes.

A response tells it twice: newer ones in `tool_usage`, which counts what is billed, and all of them by the items of
their output. Of those, a search of the web is billed and looking at a page it found is not. What is told of an output
that was not kept whole is no count: then it is unknown. The container of a code interpreter is billed for the time it
lives, which no response tells. Groq lists what it executed beside the text.
"""

from typing import Any

import msgspec

from store.call import Portion
from store.dialects.answer import Answer
from store.dialects.counts import Counts, name
from store.dialects.openai_usage import count_usage
from store.dialects.shape import NOT_JSON

_NO_SEARCH = frozenset(("open_page", "find_in_page", "find"))
_NOT_DONE = frozenset(("failed", "incomplete", "in_progress", "searching", "generating"))
EXECUTED = b'"executed_tools"'
_SEARCHES = frozenset(("search", "browser_search", "browser.search"))
IMAGE_MODEL = "image_generation"
"""The model of images whose maker nobody names, as the tool is called: so that a price can be set for it."""


class Action(msgspec.Struct):
    type: Any = None


class Item(msgspec.Struct):
    """One item of a response's output."""

    type: Any = None
    status: Any = None
    action: Action | None = None
    svg_usage: dict[str, Any] | None = None


class Executed(msgspec.Struct):
    """A tool that Groq executed. A stream tells it when it begins and again, with its output, when it is done."""

    type: Any = None
    name: Any = None
    output: msgspec.Raw = msgspec.Raw()


class Said(msgspec.Struct):
    executed_tools: list[Executed] | None = None


_said = msgspec.json.Decoder(Said).decode


class WebSearch(msgspec.Struct):
    num_requests: Any = None


class ToolUsage(msgspec.Struct):
    image_gen: dict[str, Any] | None = None
    web_search: WebSearch | None = None


def take_items(answer: Answer, items: list[Item]) -> None:
    """Count what is billed among the items of an output that is whole."""
    web = files = images = 0
    for item in items:
        kind = item.type
        if kind == "web_search_call":
            looked = item.action is not None and item.action.type in _NO_SEARCH
            web += not looked and item.status not in _NOT_DONE
        elif kind == "file_search_call":
            files += item.status not in _NOT_DONE
        elif kind == "image_generation_call":
            images += item.status not in _NOT_DONE
        elif kind == "code_interpreter_call":
            answer.billed_beside = True
    for unit, count in (("web_searches", web), ("file_searches", files), ("images", images)):
        if count:
            answer.tell(unit, count)
    answer.portions = tuple(drawn_by(item.svg_usage) for item in items if item.svg_usage is not None)


def drawn_by(usage: dict[str, Any]) -> Portion:
    """The model that wrote a drawing, beside the one that paints."""
    return Portion(name(usage.get("model")) or "", count_usage(usage, "chat").tokens)


def take_executed(answer: Answer, said: msgspec.Raw, *, whole: bool) -> None:
    """Count the searches in a message of Groq's, or in a piece of one."""
    try:
        tools = _said(said).executed_tools or []
    except NOT_JSON:
        return
    done = [tool for tool in tools if (whole or bytes(tool.output)) and {name(tool.name), name(tool.type)} & _SEARCHES]
    if done:
        answer.tell("web_searches", (answer.units or {}).get("web_searches", 0) + len(done))


def take_tool_usage(answer: Answer, usage: ToolUsage, tools: msgspec.Raw) -> None:
    """What the provider itself counted, which is what it bills."""
    if usage.web_search is not None and (searches := Counts().of(usage.web_search.num_requests)) is not None:
        if searches:
            answer.tell("web_searches", searches)
        elif answer.units is not None:
            answer.units.pop("web_searches", None)  # done, but not billed
    if usage.image_gen and (usage.image_gen.get("total_tokens") or usage.image_gen.get("output_tokens")):
        made = count_usage(usage.image_gen, "image")
        for anomaly in made.anomalies:
            answer.note(anomaly)
        answer.portions = (*answer.portions, Portion(_image_model(tools), made.tokens))


def _image_model(tools: msgspec.Raw) -> str:
    try:
        return image_model(msgspec.json.decode(tools))
    except NOT_JSON:
        return IMAGE_MODEL


def image_model(tools: Any) -> str:
    """The model of images among the tools that were offered."""
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("type") == "image_generation":
            return name(tool.get("model")) or IMAGE_MODEL
    return IMAGE_MODEL
