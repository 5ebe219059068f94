"""Which calls nobody is billed for, and which are unknown although nothing was counted."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from proxy.config.model import PriceEntry
from proxy.journal.notes import Outcome
from store.call import CallError, CallType, Cost, Reading, Tokens, Units
from store.pricing import PriceBook

AT = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
FREE, UNKNOWN = Cost("free", 0, cache_saved=0), Cost("unknown", missing="count:tokens:gpt-4")
REPORTED = Tokens("reported", input_uncached=1000, output_text=0)
ESTIMATED = Tokens("estimated", input_uncached=1000, output_text=0)
ERROR = CallError("server_error", None, "no")


def cost(
    kind: CallType = "chat", status: int | None = 200, outcome: Outcome = "completed", method: str = "POST",
    tokens: Tokens | None = None, error: CallError | None = None, stream: bool = False, target: str = "",
    model: str | None = "gpt-4",
) -> Cost:  # fmt: skip
    told = Reading(kind, model=model, tokens=tokens, error=error, stream=stream)
    return PriceBook((), {"openai": "openai"}).cost(
        told, "openai", AT, status=status, outcome=outcome, method=method, target=target
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
def test_a_refused_call_costs_nothing(status: int) -> None:
    """An upstream's refusal costs 0, also where its prompt was estimated, and also when the client did not wait."""
    assert cost(status=status) == cost(status=status, tokens=ESTIMATED) == FREE
    assert cost(status=status, outcome="client_left") == FREE


def test_tokens_reported_with_a_refusal_are_priced() -> None:
    """A failed answer that reports tokens costs what they cost."""
    assert cost(status=500, tokens=REPORTED).nano_usd == 30_000_000


@pytest.mark.parametrize("status", [408, 504, 524])
def test_a_gateway_that_gave_up_leaves_the_cost_unknown(status: int) -> None:
    """After a gateway's timeout the model may have gone on, so the cost is unknown."""
    assert cost(status=status) == UNKNOWN


@pytest.mark.parametrize("outcome", ["rejected", "upstream_unreachable"])
def test_a_call_that_reached_no_provider_costs_nothing(outcome: Outcome) -> None:
    """What Tollbook refused or could not connect costs 0, also where its prompt was estimated."""
    assert cost(status=502, outcome=outcome) == cost(status=502, outcome=outcome, tokens=ESTIMATED) == FREE


@pytest.mark.parametrize("outcome", ["upstream_timed_out", "upstream_broke_off", "interrupted"])
def test_a_call_cut_short_is_unknown_unless_tokens_are_known(outcome: Outcome) -> None:
    """A call that ended early costs what its tokens cost, and is unknown without them, whatever its status."""
    for status in (None, 200, 502, 504):
        assert cost(status=status, outcome=outcome) == UNKNOWN
        assert cost(status=status, outcome=outcome, tokens=REPORTED).state == "priced"
        assert cost(status=status, outcome=outcome, tokens=ESTIMATED).state == "estimated"
    assert cost("model", None, outcome, "GET") == UNKNOWN


def test_a_client_that_left_leaves_an_unknown_cost() -> None:
    """A stream whose client left before any tokens were told is unknown, not 0."""
    assert cost(outcome="client_left", stream=True) == UNKNOWN


def test_an_error_instead_of_an_answer_costs_nothing_and_one_within_a_stream_is_unknown() -> None:
    """A whole answer that is an error served nothing; a stream may have served something before its error."""
    assert cost(error=ERROR) == FREE
    assert cost(error=ERROR, stream=True) == UNKNOWN
    assert cost(error=ERROR, stream=True, tokens=REPORTED).state == "priced"


def test_counting_tokens_costs_nothing() -> None:
    """A token counter's answer is no usage, even if it is read as tokens."""
    assert cost("count_tokens") == cost("count_tokens", tokens=REPORTED) == FREE


def test_declining_before_writing_anything_costs_nothing_at_anthropic() -> None:
    """A refusal without output costs 0 at Anthropic's own address; one amid the answer costs what its tokens cost."""
    declined = Reading("chat", model="gpt-4", tokens=REPORTED, finish_reason="refusal")
    began = replace(declined, tokens=replace(REPORTED, output_text=1))
    prices = PriceBook((), {"openai": "openai"})
    for reading, target, state in (
        (declined, "/v1/messages", "free"),
        (declined, "/v1/messages?beta=true", "free"),
        (began, "/v1/messages", "priced"),
        (declined, "/model/m/invoke", "priced"),
        (declined, "/anthropic/v1/messages", "priced"),  # Azure
        (replace(declined, finish_reason="end_turn"), "/v1/messages", "priced"),
    ):
        cost = prices.cost(reading, "openai", AT, status=200, outcome="completed", method="POST", target=target)
        assert cost.state == state, (reading, target)


@pytest.mark.parametrize("kind", ["model", "file", "moderation"])
def test_questions_about_the_service_cost_nothing(kind: CallType) -> None:
    """Lists of models, files and moderation without tokens cost 0; with reported tokens they are priced."""
    assert cost(kind) == FREE
    assert cost(kind, tokens=REPORTED).state == "priced"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_fetching_what_exists_costs_nothing(method: str) -> None:
    """A call that only fetches or deletes costs 0, except the GET that begins a realtime session."""
    assert cost("other", method=method) == FREE
    assert cost("realtime", 101, method=method) == UNKNOWN


def test_fetching_what_was_made_meanwhile_is_charged() -> None:
    """A video that is fetched costs its length: no other call is told it."""
    video = Reading("other", model="sora-2", units=Units(seconds=Decimal(8)), background=True)
    prices = PriceBook((PriceEntry("openai", "sora-2", second=Decimal("0.1")),), {"openai": "openai"})
    assert prices.cost(video, "openai", AT, status=200, method="GET").nano_usd == 800_000_000
    assert prices.cost(replace(video, units=Units()), "openai", AT, status=200, method="GET") == FREE


@pytest.mark.parametrize("kind", ["chat", "completion", "embedding", "image", "speech", "batch", "rerank", "other"])
def test_work_that_nobody_counted_is_unknown(kind: CallType) -> None:
    """A completed call of a priced model without counts is unknown, never 0."""
    assert cost(kind) == UNKNOWN


@pytest.mark.parametrize(
    ("kind", "path", "free"),
    [
        ("other", "/v1/threads", True),
        ("other", "/v1/skills/skill_1/versions", True),
        ("other", "/v1/agents", True),
        ("other", "/v1/environments?beta=true", True),
        ("other", "/v1/sessions?beta=true", True),
        ("other", "/v1/sessions/sesn_1/resources?beta=true", True),
        ("other", "/v1/sessions/sesn_1/events?beta=true", False),
        ("other", "/v1/evals", True),
        ("other", "/v1/evals/eval_1/runs", False),
        ("other", "/v1/chatkit/sessions", True),
        ("other", "/v1alpha/auth_tokens", True),
        ("other", "/openai/threads/thread_1/messages?api-version=x", True),
        ("other", "/v1/assistants/asst_1", True),
        ("other", "/v1/vector_stores/vs_1/files", True),
        ("other", "/v1/vector_stores/vs_1/search", False),
        ("realtime", "/v1/realtime/client_secrets", True),
        ("realtime", "/v1/realtime/translations/client_secrets", True),
        ("realtime", "/v1/realtime/calls", False),
        ("realtime", "/v1/realtime/calls/rtc_1/hangup", True),
        ("realtime", "/v1/live/sessions/s_1/reject", True),
        ("realtime", "/v1/live/sessions/s_1/fork", False),
        ("other", "/v1/vaults/vlt_1/credentials", True),
        ("other", "/v1/memory_stores/memstore_1/memories/mem_1", True),
        ("other", "/v1/webhook_endpoints", True),
        ("other", "/v1/organization/projects/proj_1/users", True),
        ("other", "/v1/organizations/invites", True),
        ("other", "/v2/of/organizations/acme/render", False),
        ("other", "/v1/chat/completions/chatcmpl-1", True),  # its metadata
        ("other", "/v1/threads/thread_1/runs/run_1", True),
        ("chat", "/v1/threads/thread_1/runs/run_1/submit_tool_outputs", False),
        ("other", "/v1/containers/cntr_1/files", True),
        ("other", "/v1/agents/agent_1/archive", True),
        ("other", "/v1/agents/sessions", False),
        ("other", "/v1/sessions", False),
        ("other", "/v2/batches/batch_1:cancel", True),
        ("other", "/v1/responses/resp_1/cancel", True),
        ("other", "/v1beta1/publishers/google/models/veo-2.0-generate-001:fetchPredictOperation", True),
        ("other", "/v1beta/models/veo-2.0-generate-001:predictLongRunning", False),
        ("chat", "/v1/threads/thread_1/runs", False),
        ("other", "/v1/containers", False),
        ("other", "/v1/conversations", False),  # with a model
        ("other", "/v1/ocr", False),
    ],
)
def test_keeping_something_for_later_costs_nothing(kind: CallType, path: str, free: bool) -> None:
    """What is posted only to be kept, set up or called off costs 0; work without counts stays unknown."""
    assert cost(kind, target=path) == (FREE if free else UNKNOWN)
    assert cost(kind, target=path, outcome="interrupted", status=None) == UNKNOWN


def test_a_conversation_without_a_model_only_keeps() -> None:
    """OpenAI's conversations keep items for later; Mistral's name a model or an agent, and answer."""
    for path in ("/v1/conversations", "/v1/conversations/conv_1/items"):
        assert cost("other", target=path, model=None) == FREE
