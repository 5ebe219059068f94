"""What an OpenAI request asks, whether chat messages or the items of a response, as a `Prompt`."""

from collections.abc import Iterable, Iterator

from proxy.sandbox.answer import BadRequestError, Json
from proxy.sandbox.reply import Prompt, Tool, texts_of

IMAGE = 85  # tokens of an image at low detail
AUDIO = 100
_EFFORTS = {"none": 0, "minimal": 0, "low": 64, "medium": 128, "high": 256}


def required(body: Json, name: str) -> object:
    """A field that must be there."""
    if body.get(name) in (None, "", []):
        raise BadRequestError(f"Missing required parameter: '{name}'.")
    return body[name]


def prompt_of(
    body: Json, messages: Iterable[Json], tools: Iterable[Tool], schema: Json | None, limit: object, effort: object
) -> Prompt:
    """The prompt these messages make. A tool is called unless its result is what came last."""
    messages = list(messages)
    texts = [text for message in messages for text in _texts(message)]
    parts = [part for message in messages for part in _parts(message.get("content"))]
    questions = [text for message in messages if message.get("role") == "user" for text in _texts(message)]
    last = messages[-1] if messages else {}
    answered = last.get("role") == "tool" or last.get("type") == "function_call_output"
    return Prompt(
        texts=tuple(texts) + texts_of(body.get("tools"), body.get("instructions")),
        question=questions[-1] if questions else "",
        messages=len(messages),
        media=sum(IMAGE if "image" in str(part.get("type")) else AUDIO for part in parts if "text" not in part),
        answered_before=any(message.get("role") == "assistant" for message in messages),
        tool=None if answered else _chosen(list(tools), body.get("tool_choice")),
        schema=schema,
        limit=limit if isinstance(limit, int) else None,
        reasoning=_reasoning(str(body.get("model")), effort),
    )


def _texts(message: Json) -> tuple[str, ...]:
    content = message.get("content")
    said = (content,) if isinstance(content, str) else tuple(part["text"] for part in _parts(content) if "text" in part)
    calls = [call.get("function") for call in message.get("tool_calls") or ()]
    return texts_of(*said, *calls, message.get("arguments"), message.get("output"))


def _parts(content: object) -> Iterator[Json]:
    if isinstance(content, list):
        yield from (part for part in content if isinstance(part, dict))


def _chosen(tools: list[Tool], choice: object) -> Tool | None:
    if not tools or choice == "none":
        return None
    if isinstance(choice, dict):
        wanted = choice.get("name") or (choice.get("function") or {}).get("name")
        return next((tool for tool in tools if tool.name == wanted), tools[0])
    return tools[0]


def _reasoning(model: str, effort: object) -> int:
    if not model.startswith(("o1", "o3", "o4", "gpt-5")):
        return 0
    return _EFFORTS.get(str(effort or "medium"), 128)
