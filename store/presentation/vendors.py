"""What the formats say that are nobody's but one vendor's: Bedrock's converse, Cohere's, Ollama's, the AI SDK's, and
those without a name."""

from typing import Any

from store.presentation.transcript import Transcript

Json = dict[str, Any]


def tell_converse(transcript: Transcript, piece: Json) -> None:
    """A whole answer, or the event of a stream under its name; of models with a format of their own, their texts."""
    for number, block in enumerate(_objects(_object(_object(piece.get("output")).get("message")).get("content"))):
        _tell_block(transcript, number, block)
    begun, delta = _object(piece.get("contentBlockStart")), _object(piece.get("contentBlockDelta"))
    if use := _object(_object(begun.get("start")).get("toolUse")):
        transcript.call(use.get("name"), None, part=begun.get("contentBlockIndex", 0))
    if delta:
        _tell_block(transcript, delta.get("contentBlockIndex", 0), _object(delta.get("delta")))
    for number, one in enumerate(_objects(piece.get("outputs"))):
        transcript.say(one.get("text"), choice=number)
    for number, one in enumerate(_objects(piece.get("completions"))):
        transcript.say(_object(one.get("data")).get("text"), choice=number)


def _tell_block(transcript: Transcript, part: Any, block: Json) -> None:
    """A block of content, or what a delta adds to one."""
    transcript.say(block.get("text"), part=part)
    thought = _object(block.get("reasoningContent"))
    thinking = thought.get("text") or _object(thought.get("reasoningText")).get("text")
    transcript.say(thinking, part=part, label="thinking")
    if use := _object(block.get("toolUse")):
        transcript.call(use.get("name"), use.get("input"), part=part)
    if cited := _objects(_object(block.get("citationsContent")).get("content")):
        transcript.say("".join(str(one.get("text", "")) for one in cited), part=part)


def tell_cohere(transcript: Transcript, piece: Json) -> None:
    """Version 2 in messages and their deltas, version 1 in texts; the last line of a stream repeats all of it."""
    kind, index = piece.get("type"), piece.get("index", 0)
    message = _object(_object(piece.get("delta")).get("message")) if isinstance(kind, str) else {}
    if content := _object(message.get("content")):
        _tell_content(transcript, index, content)
    transcript.say(message.get("tool_plan"), part="plan", label="thinking")
    if call := _object(_object(message.get("tool_calls")).get("function")):
        transcript.call(call.get("name"), call.get("arguments"), part=("call", index))
    whole = _object(piece.get("message"))
    transcript.say(whole.get("tool_plan"), part="plan", label="thinking")
    for number, content in enumerate(_objects(whole.get("content"))):
        _tell_content(transcript, number, content)
    for number, one in enumerate(_objects(whole.get("tool_calls"))):
        function = _object(one.get("function"))
        transcript.call(function.get("name"), function.get("arguments"), part=("call", number))
    transcript.say(piece.get("text"))
    for number, one in enumerate(_objects(piece.get("tool_calls"))):
        transcript.call(one.get("name"), one.get("parameters"), part=("call", number))
    for number, one in enumerate(_objects(piece.get("generations"))):
        transcript.say(one.get("text"), choice=number)


def _tell_content(transcript: Transcript, part: Any, content: Json) -> None:
    transcript.say(content.get("thinking"), part=part, label="thinking")
    transcript.say(content.get("text"), part=part)


def tell_ai_sdk(transcript: Transcript, piece: Json) -> None:
    """A whole answer, or a part of a stream."""
    for number, content in enumerate(_objects(piece.get("content"))):
        _tell_sdk_part(transcript, number, content, content.get("text"))
    _tell_sdk_part(transcript, piece.get("id"), piece, piece.get("delta"))


def _tell_sdk_part(transcript: Transcript, part: Any, content: Json, text: Any) -> None:
    match content.get("type"):
        case "text" | "text-delta":
            transcript.say(text, part=part)
        case "reasoning" | "reasoning-delta":
            transcript.say(text, part=part, label="thinking")
        case "tool-call":
            transcript.call(content.get("toolName"), content.get("input"), part=content.get("toolCallId"))


def tell_ollama(transcript: Transcript, piece: Json) -> None:
    """A whole answer, or a line of one."""
    message = _object(piece.get("message"))
    transcript.say(message.get("thinking") or piece.get("thinking"), label="thinking")
    transcript.say(message.get("content"))
    transcript.say(piece.get("response"))
    for call in _objects(message.get("tool_calls")):
        function = _object(call.get("function"))
        transcript.call(function.get("name"), function.get("arguments"), part=transcript.fresh())


def tell_flat(transcript: Transcript, piece: Json) -> None:
    """Titan's, Llama's, watsonx's, Aleph Alpha's, Replicate's, and those of text generation servers."""
    transcript.say(piece.get("outputText"))
    transcript.say(piece.get("generation"))
    for number, one in enumerate(_objects(piece.get("results"))):
        transcript.say(one.get("outputText"), choice=number)
        transcript.say(one.get("generated_text"), choice=number)
    for number, one in enumerate(_objects(piece.get("completions"))):
        transcript.say(one.get("completion"), choice=number)
    if "token" in piece:  # its last event repeats the whole text
        transcript.say(_object(piece["token"]).get("text"))
    else:
        transcript.say(piece.get("generated_text"))
    output = piece.get("output")
    for text in output if isinstance(output, list) else [output]:
        transcript.say(text)


def tell_interaction(transcript: Transcript, piece: Json) -> None:
    """Gemini's interactions: steps, whole or by deltas."""
    for number, step in enumerate(_objects(piece.get("steps")) or _objects(piece.get("outputs"))):
        _tell_step(transcript, number, step)
    index = piece.get("index", 0)
    if piece.get("event_type") == "step.start":
        _tell_step(transcript, index, _object(piece.get("step")))
    elif piece.get("event_type") in ("step.delta", "content.delta"):
        delta = _object(piece.get("delta"))
        transcript.say(delta.get("text"), part=index)
        transcript.say(_object(delta.get("content")).get("text"), part=index, label="thinking")
        if "arguments" in delta:
            transcript.call(delta.get("name"), delta["arguments"], part=index)


def _tell_step(transcript: Transcript, number: Any, step: Json) -> None:
    kind = step.get("type")
    if kind == "function_call":
        transcript.call(step.get("name"), step.get("arguments"), part=number)
    elif kind == "thought":
        for part in _objects(step.get("summary")):
            transcript.say(part.get("text"), part=number, label="thinking")
    else:
        transcript.say(step.get("text"), part=number)
        for part in _objects(step.get("content")):
            transcript.say(part.get("text"), part=number)


def _objects(value: Any) -> list[Json]:
    """The objects of a list, whatever else is in it, whatever it is."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
