"""What a call is billed by other than its own tokens, put together from answer, usage and request.

The request is asked only for what no answer tells, nor its headers: the characters to speak, whether pages were to be
annotated, how long the videos of Google, Amazon and MiniMax were to be, and how many images were to be made, where the
images themselves are too large to be kept.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from proxy.journal.notes import Headers
from store.call import NO_UNITS, CallType, Portion, Units
from store.dialects import cut_json
from store.dialects.answer import Answer, Counted, Told
from store.dialects.counts import Counts, name
from store.dialects.dialect import Asked, AskedForLater, AskedForVideo
from store.dialects.document import Document
from store.dialects.openai_usage import seconds_of
from store.dialects.shape import NOT_JSON

_OF_IMAGES: dict[str, Callable[[Asked], tuple[Any, str]]] = {
    "data": lambda asked: ({"n": asked.n}, "n"),
    "predictions": lambda asked: (asked.parameters, "sampleCount"),
    "images": lambda asked: (asked.image_generation or {"numberOfImages": asked.n}, "numberOfImages"),
}
"""What a list of images is called, and where its request says how many there are to be."""
_UNLESS_TOLD = {"data": 1, "images": 1}
_CHARACTERS = ("dg-char-count", "x-character-count", "character-cost")  # Deepgram's, ElevenLabs'; the first counts
_ASKING: frozenset[CallType] = frozenset({"speech", "image", "other"})  # types whose request may have to be asked


def units_of(
    type_: CallType, asked: Asked | None, answer: Answer, counted: Counted, response: Document, headers: Headers
) -> Units:
    """What was counted; what the usage tells beats what stands beside it."""
    if answer.units is None and counted.units is None and type_ not in _ASKING:
        return NO_UNITS
    told: Told = {**(answer.units or {}), **(counted.units or {})}
    if type_ == "speech" and "characters" not in told:
        characters = _in_headers(headers)
        if characters is None and asked is not None:
            characters = _length(asked.input or asked.text) or _lengths(asked.utterances)
        told["characters"] = characters
    elif type_ == "image" and "images" not in told and _answers_an_image(headers):
        told["images"] = 1
    elif type_ == "other" and not told and (characters := _in_headers(headers)) is not None:
        told["characters"] = characters
    if asked is not None:
        if type_ == "image" and not told.get("images") and response.cut:
            told["images"] = _made(response, asked)
        elif "pages" in told and (asked.document_annotation_format or asked.bbox_annotation_format):
            told.setdefault("annotated_pages", told["pages"])
        elif type_ == "other" and not told:
            told = _of_videos(asked)
    return Units(**told) if told else NO_UNITS


def portions_of(answer: Answer, counted: Counted, asked: Asked | None) -> tuple[Portion, ...]:
    """What other models did, and the same model beside the call's own counts."""
    if not answer.portions and not counted.portions:
        return ()
    own = answer.model or (name(asked.model) if asked is not None else None) or ""
    return tuple(
        portion if portion.model else msgspec.structs.replace(portion, model=own)
        for portion in (*answer.portions, *counted.portions)
    )


def _in_headers(headers: Headers) -> int | None:
    found = {name: value for name, value in headers if name in _CHARACTERS}
    counted = (Counts().of(found[name]) for name in _CHARACTERS if name in found)
    return next(filter(None, counted), None)


def _answers_an_image(headers: Headers) -> bool:
    return any(name == "content-type" and value.startswith("image/") for name, value in headers)


def _length(raw: msgspec.Raw) -> int | None:
    try:
        return len(msgspec.json.decode(raw, type=str))
    except NOT_JSON:
        return None


class _Utterance(msgspec.Struct):
    text: str


_utterances = msgspec.json.Decoder(list[_Utterance]).decode


def _lengths(raw: msgspec.Raw) -> int | None:
    """Of all that is to be said, one after another; None where one of them has no text."""
    try:
        return sum(len(one.text) for one in _utterances(raw))
    except NOT_JSON:
        return None


def _of_videos(asked: Asked) -> Told:
    """How long the videos are together that were asked for; Luma writes `5s`."""
    how, number = asked.parameters, 1
    length: Any
    if isinstance(asked, AskedForVideo):
        length = asked.duration
    elif isinstance(how, dict):  # Veo
        length = how.get("durationSeconds")
        samples = how.get("sampleCount")
        number = 1 if samples is None else Counts().of(samples) or 0
    elif isinstance(asked, AskedForLater) and isinstance(asked.model_input, dict):
        how = asked.model_input.get("videoGenerationConfig")
        length = how.get("durationSeconds") if isinstance(how, dict) else asked.model_input.get("duration")
        length = length.removesuffix("s") if isinstance(length, str) else length
    else:
        return {}
    each = seconds_of(length)
    return {"seconds": each * number} if each is not None and number else {}


def _made(response: Document, asked: Asked) -> int | None:
    """The images of a list in which the hole is: as many as were asked for, which is one for most who do not say."""
    torn = cut_json.torn(response)
    if torn is None or torn[0] not in _OF_IMAGES:
        return None
    holder, member = _OF_IMAGES[torn[0]](asked)
    wanted = holder.get(member) if isinstance(holder, dict) else None
    return _UNLESS_TOLD.get(torn[0]) if wanted is None else Counts().of(wanted)
