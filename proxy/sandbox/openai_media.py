"""OpenAI's other endpoints: embeddings, images, moderations, speech and transcription.

The vectors, pictures and sounds are small and mean nothing; their shapes, counts and formats are the real ones.
"""

import struct
import zlib
from base64 import b64encode
from hashlib import sha256
from math import ceil, sqrt

from proxy.sandbox import counting
from proxy.sandbox.answer import Answer, BadRequestError, Json, Request, event, stream, whole
from proxy.sandbox.behaviour import Behaviour, plain_model
from proxy.sandbox.openai_chat import DONE
from proxy.sandbox.openai_prompt import required

_DIMENSIONS = {"text-embedding-3-large": 3072}
_IMAGE_TOKENS = {"low": 272, "medium": 1056, "high": 4160}
_MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # 26 ms of silence at 128 kbit/s
_BYTES_PER_SECOND = 32_000  # 16-bit mono sound at 16 kHz
_SAID = "This is what the sandbox heard: two people agree on a time and say goodbye."
_CATEGORIES = (
    "harassment", "harassment/threatening", "sexual", "hate", "hate/threatening", "illicit", "illicit/violent",
    "self-harm/intent", "self-harm/instructions", "self-harm", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def embed(request: Request, behaviour: Behaviour) -> Answer:
    """`POST /v1/embeddings`, as numbers or as base64."""
    body = request.json()
    model = plain_model(str(required(body, "model")))
    asked = required(body, "input")
    inputs = asked if isinstance(asked, list) and not isinstance(asked[0], int) else [asked]
    size = int(body.get("dimensions") or _DIMENSIONS.get(model, 1536))
    used = sum(len(each) if isinstance(each, list) else counting.tokens(str(each)) for each in inputs)
    data: list[Json] = []
    for index, each in enumerate(inputs):
        numbers = vector(str(each), size)
        packed: object = numbers
        if body.get("encoding_format") == "base64":
            packed = b64encode(struct.pack(f"<{size}f", *numbers)).decode()
        data.append({"object": "embedding", "index": index, "embedding": packed})
    usage = {} if behaviour.no_usage else {"usage": {"prompt_tokens": used, "total_tokens": used}}
    return whole({"object": "list", "data": data, "model": model, **usage})


def vector(text: str, size: int) -> list[float]:
    """A unit vector that depends on the text."""
    seed = sha256(text.encode()).digest()
    raw = b"".join(sha256(seed + bytes([at])).digest() for at in range(8))
    numbers = [raw[at % len(raw)] - 127.5 + (at // len(raw)) for at in range(size)]
    length = sqrt(sum(number * number for number in numbers))
    return [round(number / length, 8) for number in numbers]


def draw(request: Request, behaviour: Behaviour) -> Answer:
    """`POST /v1/images/generations`: gpt-image models tell their usage, dall-e models do not."""
    body = request.json()
    model = plain_model(str(body.get("model") or "dall-e-2"))
    prompt = str(required(body, "prompt"))
    n = max(1, int(body.get("n") or 1))
    if not model.startswith("gpt-image"):
        url = f"https://images.sandbox.invalid/{request.token('image')}.png"
        picture = {"b64_json": _png(prompt)} if body.get("response_format") == "b64_json" else {"url": url}
        return whole({"created": request.seconds, "data": [{"revised_prompt": prompt, **picture}] * n})
    quality = str(body.get("quality") or "medium")
    asked, made = counting.tokens(prompt), _IMAGE_TOKENS.get(quality, 1056) * n
    usage: Json = {
        "input_tokens": asked,
        "input_tokens_details": {"text_tokens": asked, "image_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"image_tokens": made, "text_tokens": 0},
        "total_tokens": asked + made,
    }
    told = {} if behaviour.no_usage else {"usage": usage}
    form = {"background": "opaque", "output_format": "png", "quality": quality, "size": body.get("size") or "1024x1024"}
    if not body.get("stream"):
        return whole({"created": request.seconds, **form, "data": [{"b64_json": _png(prompt)}] * n, **told})
    common: Json = {"b64_json": _png(prompt), "created_at": request.seconds, **form}
    partial = {"type": "image_generation.partial_image", **common, "partial_image_index": 0}
    completed = {"type": "image_generation.completed", **common, **told}
    return stream(event(each, str(each["type"])) for each in (partial, completed))


def _png(prompt: str) -> str:
    # Sixteen by sixteen pixels of one colour, which the prompt decides.
    rows = (b"\0" + sha256(prompt.encode()).digest()[:3] * 16) * 16
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b64encode(b"\x89PNG\r\n\x1a\n" + packed).decode()


def moderate(request: Request) -> Answer:
    """`POST /v1/moderations`: nothing is ever flagged."""
    body = request.json()
    asked = required(body, "input")
    many = len(asked) if isinstance(asked, list) and isinstance(asked[0], str) else 1
    model = plain_model(str(body.get("model") or "omni-moderation-latest"))
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 1.2e-05),
        "category_applied_input_types": {category: ["text"] for category in _CATEGORIES},
    }
    return whole({"id": "modr-" + request.token("moderation", 32), "model": model, "results": [result] * many})


def speak(request: Request) -> Answer:
    """`POST /v1/audio/speech`: silence, one frame for each token of the text, in chunks; or as events."""
    body = request.json()
    text = str(required(body, "input"))
    frames = counting.tokens(text)
    sound = _MP3_FRAME * frames
    if body.get("stream_format") == "sse":
        usage = {"input_tokens": frames, "output_tokens": frames * 2, "total_tokens": frames * 3}
        delta = {"type": "speech.audio.delta", "audio": b64encode(sound).decode()}
        return stream([event(delta), event({"type": "speech.audio.done", "usage": usage}), DONE])
    kinds = {"wav": "audio/wav", "opus": "audio/opus", "aac": "audio/aac", "flac": "audio/flac", "pcm": "audio/pcm"}
    kind = kinds.get(str(body.get("response_format")), "audio/mpeg")
    return stream((sound[at : at + 4096] for at in range(0, len(sound), 4096)), kind=kind)


def transcribe(request: Request, behaviour: Behaviour) -> Answer:
    """`POST /v1/audio/transcriptions`: whisper counts seconds, the newer models tokens, plain text nothing."""
    fields = form_fields(request)
    model = plain_model(fields.get("model", b"").decode(errors="replace"))
    if not model or "file" not in fields:
        raise BadRequestError("Missing required parameter: 'model' or 'file'.")
    seconds = max(1, ceil(len(fields["file"]) / _BYTES_PER_SECOND))
    form = fields.get("response_format", b"json").decode(errors="replace")
    if form in ("text", "srt", "vtt"):
        stamps = f"1\n00:00:00,000 --> 00:00:{seconds % 60:02},000\n"
        text = {"text": "", "srt": stamps, "vtt": "WEBVTT\n\n" + stamps.replace(",", ".")}[form] + _SAID + "\n"
        return whole(text.encode(), kind="text/plain; charset=utf-8")
    heard, said = seconds * 10, counting.tokens(_SAID)
    usage: Json = {
        "type": "tokens",
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": said,
        "total_tokens": heard + said,
    }
    if model.startswith("whisper"):
        usage = {"type": "duration", "seconds": seconds}
    told: Json = {} if behaviour.no_usage else {"usage": usage}
    if fields.get("stream") == b"true" and not model.startswith("whisper"):
        deltas = [event({"type": "transcript.text.delta", "delta": word + " "}) for word in _SAID.split()]
        return stream([*deltas, event({"type": "transcript.text.done", "text": _SAID, **told}), DONE])
    if form == "verbose_json":
        told = {"task": "transcribe", "language": "english", "duration": float(seconds), "segments": [], **told}
    return whole({"text": _SAID, **told})


def form_fields(request: Request) -> dict[str, bytes]:
    """The parts of a multipart form by name; `BadRequestError` if the body is none."""
    kind = request.header("content-type") or ""
    _, _, boundary = kind.partition("boundary=")
    if not kind.startswith("multipart/form-data") or not boundary:
        raise BadRequestError("The body of your request must be multipart/form-data.")
    fields: dict[str, bytes] = {}
    delimiter = b"\r\n--" + boundary.partition(";")[0].strip('"').encode()
    for part in (b"\r\n" + request.body).split(delimiter)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        _, _, name = head.partition(b' name="')
        fields[name.partition(b'"')[0].decode(errors="replace")] = content
    return fields
