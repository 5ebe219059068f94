"""What a dialect is: only its differences. Everything shared lives beside it, once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from store.call import CallType
from store.dialects.answer import Answer, Counted
from store.dialects.labels import Labels
from store.dialects.shape import Shape


class Asked(msgspec.Struct):
    """The members of a request that say something about the call."""

    model: Any = None
    stream: Any = None
    background: Any = None
    user: Any = None
    safety_identifier: Any = None
    metadata: Any = None
    request_metadata: Any = msgspec.field(name="requestMetadata", default=None)  # bedrock
    labels: Any = None  # vertex
    model_id: Any = None  # watsonx
    foundation_model: Any = msgspec.field(name="foundationModel", default=None)  # bedrock, of an inline agent
    input: msgspec.Raw = msgspec.Raw()
    text: msgspec.Raw = msgspec.Raw()  # what to speak, at xAI
    utterances: msgspec.Raw = msgspec.Raw()  # likewise, at Hume
    n: Any = None  # images
    parameters: Any = None  # likewise, at Google; and videos
    image_generation: Any = msgspec.field(name="imageGenerationConfig", default=None)  # likewise, at Amazon
    session: msgspec.Raw = msgspec.Raw()
    agent: msgspec.Raw = msgspec.Raw()
    reranking: Any = msgspec.field(name="rerankingConfiguration", default=None)  # bedrock's, which names the model
    document_annotation_format: Any = None
    bbox_annotation_format: Any = None


class AskedForLater(Asked):
    """A request to Bedrock for what a model shall make while nobody waits."""

    model: Any = msgspec.field(name="modelId", default=None)
    model_input: Any = msgspec.field(name="modelInput", default=None)


class AskedForVideo(Asked):
    """A request to MiniMax for a video."""

    duration: Any = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one wire format tells what every format tells."""

    piece: Shape[Any]  # the members of an answer, or of an event of a stream, that matter
    take: Callable[[Answer, Any, CallType], None]  # read one such piece
    count: Callable[[dict[str, Any], CallType], Counted]  # understand a usage object
    label: Callable[[Labels, Asked], None] = lambda labels, asked: None  # the labels of the body
    metered: bool = True  # whether its tokens are understood at all
    tells_midway: Callable[[bytes], bool] | None = None  # whether a stream tells something between its two ends
    adds_up: bool = False  # whether a stream tells what was used in parts, so that none of them may be missing
    in_arrays: bool = False  # whether pieces may come as the elements of one array
    streams_unless_told: tuple[str, ...] | None = None  # how paths end that stream when nothing is said of it
