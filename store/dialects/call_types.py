"""Which type a call is, from its method and path alone. One table for all dialects, matched by how a path ends,
so that it also holds behind a prefix (`/openai/v1/...`, `/api/v1/...`).

Asking again for an earlier call (a poll, a cancellation, a list) is `other`: its usage was told before.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

from store.call import CallType

# The whole path of a model at Hugging Face's first address; Azure has other things below such a root.
_HF = r"(?<!./)models/(?!chat/|images/)"
# Where a path ends in the name of a model, which mostly says what it makes: Cloudflare, DeepInfra, Hugging Face, fal.
_NAMED = rf"/(ai/run|workers-ai|v1/inference|hf-inference/models|fal-ai|{_HF}[^/:]+(?=/[^/:]+/?$))"
_POSTED: tuple[tuple[str, CallType], ...] = (
    (r"/(chat|agents)/completions", "chat"),
    (r"/api/v1/apps/[^/]+/completion", "chat"),
    (r"/inference/deployments/[^/]+/(v2/)?completion", "chat"),
    (r"/ai/language-model", "chat"),
    (r"/ai/embedding-model", "embedding"),
    (r"/ai/image-model", "image"),
    (r"/ai/reranking-model", "rerank"),
    (r"/text/chatcompletion(_v2|_pro)?", "chat"),
    (r"/services/aigc/(text|multimodal)-generation/generation", "chat"),
    (r"/services/aigc/(text2image|image2image|image-generation)/[^/]+", "image"),
    (r"/services/embeddings/[^/]+/[^/]+", "embedding"),
    (r"/services/rerank/[^/]+/[^/]+", "rerank"),
    (rf"{_NAMED}/.*(?i:rerank)[^/]*", "rerank"),
    (rf"{_NAMED}/.*(/bge-|(?i:embed))[^/]*", "embedding"),
    (rf"{_NAMED}/.*((?i:whisper)|/deepgram/(nova|flux))[^/]*", "transcription"),
    (rf"{_NAMED}/.*(?i:flux|diffusion|dreamshaper|lucid|phoenix)[^/]*", "image"),
    (r"/fal-ai/.*(flux|diffusion)/.+", "image"),
    (rf"{_NAMED}/.*(melotts|aura|(?i:kokoro))[^/]*", "speech"),
    (rf"{_NAMED}/.*(resnet|distilbert|detr|m2m100|indictrans)[^/]*", "other"),
    (r"/(ai/run|workers-ai|v1/inference)/.+", "chat"),
    (r"/v1/(agent|(async/)?sonar)", "chat"),
    (r"/responses(/compact)?", "chat"),
    (r"/responses/input_tokens", "count_tokens"),
    (r"(?<!threads)/messages", "chat"),
    (r"/messages/count_tokens", "count_tokens"),
    (r"/(tokenize|tokenize-text|detokenize|tokenization|tokenizer|tokenizers/estimate-token-count)", "count_tokens"),
    (r"/messages/batches", "batch"),
    (r"/models/count-tokens[^/:]*:rawPredict", "count_tokens"),
    (r"/models/[^/:]*ocr[^/:]*:rawPredict", "other"),
    (r":(streamGenerateContent|generateContent|rawPredict|streamRawPredict|generateMessage|generateAnswer)", "chat"),
    (r":(embedContent|batchEmbedContents|embedText|batchEmbedText)", "embedding"),
    (r":(countTokens|computeTokens|countMessageTokens|countTextTokens)", "count_tokens"),
    (r":(batchGenerateContent|asyncBatchEmbedContent)", "batch"),
    (r":generateText", "completion"),
    (r"/models/(image|virtual-try-on)[^/:]*:predict", "image"),
    (r"/models/[^/:]*(embedding|gecko)[^/:]*:predict", "embedding"),
    (r"/models/(chat|codechat|text|code)-(bison|unicorn)[^/:]*:predict", "chat"),
    (r":uploadToFileSearchStore", "file"),
    (r"/batchPredictionJobs", "batch"),
    (r"/interactions", "chat"),
    (r"/model/(arn:[^/]+/)?[^/]+/(converse|converse-stream)", "chat"),
    (r"/model/(arn:[^/]+/)?[^/]*embed[^/]*/invoke", "embedding"),
    (r"/model/(arn:[^/]+/)?[^/]*rerank[^/]*/invoke", "rerank"),
    (r"/model/(arn:[^/]+/)?[^/]*(image|canvas|stability\.)[^/]*/invoke", "image"),
    (r"/model/(arn:[^/]+/)?[^/]+/(invoke|invoke-with-response-stream)", "chat"),
    (r"/model/(arn:[^/]+/)?[^/]+/count-tokens", "count_tokens"),
    (r"/model-invocation-job", "batch"),
    (r"/agents/[^/]+/agentAliases/[^/]+/sessions/[^/]+/text", "chat"),
    (r"(?<!.)/agents/[^/]+(?!/)", "chat"),  # one described with the question; with a slash behind it is prepared
    (r"/(api|v1|v2)/chat", "chat"),
    (r"/ml/v\d[^/]*/(deployments/[^/]+/)?text/(chat|chat_stream)", "chat"),
    (r"/ml/v\d[^/]*/(deployments/[^/]+/)?(generation/text|text/generation)(_stream)?", "completion"),
    (r"/ml/v\d[^/]*/text/tokenization", "count_tokens"),
    (r"/cortex/inference:complete", "chat"),
    (r"/cortex/inference:embed", "embedding"),
    (r"/uploads/[^/]+/complete", "file"),
    (r"/(generate|generate_stream|completions?|complete|infill)", "completion"),
    (r"(?<!images)(?<!videos)/edits", "completion"),  # OpenAI's, long ago
    (r"/v1/embed-jobs", "batch"),
    (
        r"/((multimodal|contextualized)?embeddings?|embed|embed_(sparse|all)|semantic_embed|batch_semantic_embed)",
        "embedding",
    ),
    (r"/(embedding/(text|image)|embeddings/multimodal|pipeline/feature-extraction(/.+)?)", "embedding"),
    (r"/(images(/(generations|edits|variations))?|text_to_image|image/generation|stable-image/\w+/[^/]+)", "image"),
    (
        r"/(audio/speech|ai/speech(/bytes)?|tts(/(stream/)?(file|json))?|speak|t2a(_v2|_pro)?|(text-to-speech/[^/]+|text-to-dialogue)(/stream)?(/with-timestamps)?)",
        "speech",
    ),
    (r"/(audio/transcriptions|stt|speech-to-text|listen|transcriptions:transcribe)", "transcription"),
    (r"/audio/translations", "translation"),
    (r"/moderations", "moderation"),
    (r"/(rerank(ing)?|ranking)", "rerank"),
    (r"/(batches|batch/jobs|batchInferenceJobs)", "batch"),
    (r"/models/(?!(load|unload|download)/?$).+", "other"),  # of one of them; nobody says what
)
_ANY_METHOD: tuple[tuple[str, CallType], ...] = (
    (r"/realtime(/(calls|client_secrets|sessions|transcription_sessions|translations)(/[^/]+)*)?", "realtime"),
    (r"/live/sessions(/[^/]+/(accept|attach|fork|hangup|refer|reject))?", "realtime"),
    (r"(?<!vector_stores)/(files|uploads)(:register)?", "file"),
    (r"/files/[^/]+(/content|/url)?", "file"),
    (r"/uploads/[^/]+(/parts|/complete|/cancel)?", "file"),
    (r"/(models|language-models|image-generation-models|embedding-models)(/[^:]+)?", "model"),
    (r"/api/(tags|ps|show)", "model"),
)


def _table(entries: tuple[tuple[str, CallType], ...]) -> list[tuple[re.Pattern[str], CallType]]:
    return [(re.compile(rf".*{ending}/?"), type_) for ending, type_ in entries]


_posted = _table(_POSTED)
_any_method = _table(_ANY_METHOD)
_BELOW_OTHERS = re.compile(r".*/(threads|vector_stores|assistants|containers|operations)/.*")


_RUN = re.compile(r".*/threads(/[^/]+)?/runs(/[^/]+/submit_tool_outputs)?/?")  # of an assistant
_WORK = re.compile(
    r".*/(ocr|agents/sessions|v2/parse|v1/read|summarize|decisions|evaluate|predictions|predict|classif(y|ications)|score|pooling"
    r"|conversations(/[^/]+(/restart)?)?|video_generation|models/[^/:]+:predictLongRunning|async-invoke"
    r"|models/[^/:]*ocr[^/:]*:rawPredict|invocations|invocations-response-stream"
    rf"|hf-inference/models/.+|{_HF}[^/:]+/[^/:]+"
    # ElevenLabs'
    r"|sound-generation|music(/(detailed(/stream)?|stream|video-to-music|stem-separation))?|audio-isolation(/stream)?"
    r"|(speech-to-speech|voice-changer)/[^/]+(/stream)?|text-to-voice(/(design|create-previews|[^/]+/remix))?)/?"
    r"|/?"  # of an endpoint of Hugging Face
)


@lru_cache(maxsize=4096)
def call_type(method: str, path: str) -> CallType:
    """The type of a call, `path` being without its query."""
    if _BELOW_OTHERS.fullmatch(path) or (method == "POST" and path.endswith("/runs")):
        return "chat" if method == "POST" and _RUN.fullmatch(path) else "other"
    tables = (_posted, _any_method) if method == "POST" else (_any_method,)
    for table in tables:
        for pattern, type_ in table:
            if pattern.fullmatch(path):
                return type_
    return "other"


@lru_cache(maxsize=4096)
def is_work(path: str) -> bool:
    """Whether a model works for what is posted here, although there is no type for such calls.

    Conversations are Mistral's, which answer; OpenAI's of the same path only keep, and tell no usage.
    """
    return _WORK.fullmatch(path) is not None


# xAI's and Perplexity's chats; videos, of which most tell the length, xAI and OpenRouter the cost, and Volcengine the
# tokens; whatever a task of DashScope makes; transcripts of AssemblyAI, Gladia and Rev.
_DEFERRED = re.compile(
    r".*/(?:chat/deferred-completion|async/(?:chat/completions|sonar)|videos|video/generations(?:/jobs)?"
    r"|contents/generations/tasks|api/v1/tasks|v2/transcript|v2/pre-recorded|speechtotext/v1/jobs)/([^/]+)/?"
)


@lru_cache(maxsize=4096)
def deferred_in_path(path: str) -> str | None:
    """What a GET of this path fetches, by its id, where a model did it since it was asked and tells it nowhere else."""
    match = _DEFERRED.fullmatch(path)
    return match[1][:256] if match else None


_STREAMED = (
    ":streamGenerateContent", ":streamRawPredict", "/converse-stream", "/invoke-with-response-stream",
    "/invocations-response-stream", "/text_stream", "/chat_stream", "/generation_stream", "/generate_stream",
)  # fmt: skip


_AGENT = re.compile(r"/agents/[^/]+(/agentAliases/[^/]+/sessions/[^/]+/text)?")  # Bedrock's


def streams_by_path(path: str) -> bool:
    """Whether a path is one that always streams."""
    return path.endswith(_STREAMED) or (path.startswith("/agents/") and _AGENT.fullmatch(path) is not None)


_DEPLOYMENT = re.compile(r".*/(?:openai/deployments|engines)/([^/]+)/.+")
# Where something is asked of a model that the path names. Bedrock's may hold a colon, also as it is.
_MODEL_IN_PATH = tuple(
    re.compile(rf".*{ending}/?")
    for ending in (
        r"/model/((?:arn:[^/]+/)?[^/]+)/(?:converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)",
        r"/(?:models|tunedModels|endpoints)/(?!count-tokens)([^/:]+(?:/[^/:]+)*?):[A-Za-z]+",
        r"/(?:serving-)?endpoints/([^/]+)/(?:invocations|invocations-response-stream)",
        r"/models/([^/]+/[^/]+)/predictions",
        r"/workflows/(.+)/text_to_image",
        r"/(?:ai/run|workers-ai|v1/inference)/(.+?)",
        r"/hf-inference/models/(.+?)(?:/pipeline/[^/]+|/v1/chat/completions)?",
        rf"/{_HF}([^/:]+/[^/:]+?)",
    )
)


@lru_cache(maxsize=4096)
def model_in_path(path: str) -> str | None:
    """The model a path names together with a method, as in `/v1beta/models/NAME:generateContent`.

    Of an ARN the last part, which names the model, or else a profile, an endpoint or a deployment of somebody's own.
    """
    for pattern in _MODEL_IN_PATH:
        if (match := pattern.fullmatch(path)) is not None:
            return without_arn(unquote(match[1]))[:256] or None
    return None


def without_arn(name: str) -> str:
    """The last part of an ARN; any other name as it is."""
    if not name.startswith("arn:"):
        return name
    return name.rpartition("/")[2] if "/" in name else name.rpartition(":")[2]


@lru_cache(maxsize=4096)
def deployment_in_path(path: str) -> str | None:
    """Azure's deployment, which may have any name; the body may say which model it is of. OpenAI's engines of old."""
    match = _DEPLOYMENT.fullmatch(path)
    return unquote(match[1])[:256] if match else None
