"""What assistants and agents say: OpenAI's runs of threads, and Mistral's conversations.

They answer in messages and calls of tools that are named apart from the run or conversation they belong to.
"""

from typing import Any

from store.presentation.transcript import Transcript


def tell_agent(transcript: Transcript, piece: dict[str, Any]) -> bool:
    """One piece of such an answer; False when it is of something else."""
    kind = piece.get("object")
    if isinstance(kind, str) and kind.startswith("thread."):
        _tell_thread(transcript, kind, piece)
    elif isinstance(piece.get("outputs"), list):
        for number, entry in enumerate(piece["outputs"]):
            if isinstance(entry, dict):
                _tell_entry(transcript, number, entry)
    elif isinstance(told := piece.get("type"), str) and told in ("message.output.delta", "function.call.delta"):
        index = piece.get("output_index")
        _tell_entry(transcript, index if isinstance(index, int) else 0, piece)
    else:
        return False
    return True


def _tell_thread(transcript: Transcript, kind: str, piece: dict[str, Any]) -> None:
    """The deltas tell what a message and a step say; what follows them repeats it. Only a run asks for an action."""
    delta = _object(piece.get("delta"))
    if kind == "thread.message.delta":
        for number, part in enumerate(_list(delta.get("content"))):
            text = _object(_object(part).get("text")).get("value")
            transcript.say(text, part=_place(piece, part, number))
    elif kind == "thread.run.step.delta":
        for number, call in enumerate(_list(_object(delta.get("step_details")).get("tool_calls"))):
            _tell_call(transcript, _object(call), _place(piece, call, number))
    elif kind == "thread.run" and not transcript.said:
        action = _object(_object(piece.get("required_action")).get("submit_tool_outputs"))
        for number, call in enumerate(_list(action.get("tool_calls"))):
            _tell_call(transcript, _object(call), number)


def _place(piece: dict[str, Any], within: Any, number: int) -> tuple[str, int]:
    """Which part of which message or step this is."""
    index = _object(within).get("index")
    return str(piece.get("id")), index if isinstance(index, int) else number


def _tell_call(transcript: Transcript, call: dict[str, Any], part: Any) -> None:
    kind = call.get("type")
    told = _object(call.get("function")) or _object(call.get(kind) if isinstance(kind, str) else None)
    transcript.call(told.get("name") or kind, told.get("arguments", told.get("input")), part=part)


def _tell_entry(transcript: Transcript, number: int, entry: dict[str, Any]) -> None:
    kind, content = str(entry.get("type")), entry.get("content")
    if kind.startswith("message.output"):
        transcript.say(content, part=number)
        for part in content if isinstance(content, list) else [content]:
            transcript.say(_object(part).get("text"), part=number)
    elif kind.startswith(("function.call", "tool.execution")):
        transcript.call(entry.get("name"), entry.get("arguments"), part=(number, "call"))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
