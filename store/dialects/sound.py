"""Speech and transcripts, as services tell them that do nothing else: Deepgram, AssemblyAI, ElevenLabs, MiniMax, Azure,
Gladia, Rev.

A recording is billed by its length, which each of them has a name of its own for; AssemblyAI, Gladia and Rev tell it to
whoever asks for a transcript when it is made. What is spoken is billed by characters, which most tell in a header
(`billed.py`). What Deepgram finds out about a text took tokens, told for each thing apart.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from store.call import CallType
from store.dialects import openai
from store.dialects.answer import Answer
from store.dialects.counts import Counts, name
from store.dialects.openai import OPENAI
from store.dialects.openai_usage import seconds_of
from store.dialects.shape import Shape

_PENDING = frozenset(("queued", "processing", "in_progress"))  # of AssemblyAI, Gladia and Rev


class Found(msgspec.Struct):
    """What finding out one thing about a text took."""

    input_tokens: Any = None
    output_tokens: Any = None


class Metadata(msgspec.Struct):
    """Deepgram's."""

    request_id: Any = None
    duration: Any = None
    summary_info: Found | None = None
    topics_info: Found | None = None
    intents_info: Found | None = None
    sentiment_info: Found | None = None


class Billed(msgspec.Struct):
    billing_time: Any = None  # of all channels


class Transcript(msgspec.Struct):
    """Gladia's."""

    metadata: Billed | None = None


class Spoken(msgspec.Struct):
    """MiniMax's."""

    usage_characters: Any = None


class Piece(openai.Piece):
    """A transcript, or what is told beside what was spoken."""

    deepgram: Metadata | None = msgspec.field(name="metadata", default=None)
    audio_duration: Any = None  # AssemblyAI's
    audio_duration_secs: Any = None  # ElevenLabs'
    milliseconds: Any = msgspec.field(name="durationMilliseconds", default=None)  # Azure's
    duration_seconds: Any = None  # Rev's
    transcriber: Any = None  # likewise: the model, or that it is a person
    result: Transcript | None = None
    speech_model: Any = None
    speech_model_used: Any = None
    extra_info: Spoken | None = None


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    OPENAI.take(answer, piece, type_)
    model = name(piece.speech_model_used) or name(piece.speech_model) or name(piece.transcriber)
    answer.model = answer.model or model
    if name(piece.status) in _PENDING:
        answer.pending = True
        return
    if piece.deepgram is not None:
        answer.id = answer.id or name(piece.deepgram.request_id)
        answer.tell("seconds", seconds_of(piece.deepgram.duration))
        if type_ == "other":
            _take_found(answer, piece.deepgram)
    answer.tell("seconds", seconds_of(piece.audio_duration))
    answer.tell("seconds", seconds_of(piece.audio_duration_secs))
    answer.tell("seconds", seconds_of(piece.duration_seconds))
    if piece.result is not None and piece.result.metadata is not None:
        answer.tell("seconds", seconds_of(piece.result.metadata.billing_time))
    if (thousandths := seconds_of(piece.milliseconds)) is not None:
        answer.tell("seconds", thousandths.scaleb(-3) if thousandths else Decimal(0))
    if piece.extra_info is not None:
        answer.tell("characters", Counts().of(piece.extra_info.usage_characters))


def _take_found(answer: Answer, told: Metadata) -> None:
    """All that was found out about a text. (About a recording it is billed beside the length, at rates of its own.)"""
    found = [one for one in (told.summary_info, told.topics_info, told.intents_info, told.sentiment_info) if one]
    answer.take_counts(
        input_tokens=_sum([one.input_tokens for one in found]), output_tokens=_sum([one.output_tokens for one in found])
    )


def _sum(told: list[Any]) -> int | None:
    """None where one of them is not told."""
    counts = list(map(Counts().of, told))
    return sum(filter(None, counts)) if counts and None not in counts else None


SOUND = replace(OPENAI, piece=Shape(Piece), take=_take)
