"""Refusals as the official SDKs see them: each raises what its users catch, and repeats nothing in vain."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from proxy.keys.key import Key
from proxy.keys.secret import new_secret
from proxy.keys.used_up import NothingSpent, UsedUp
from tests.keys.conftest import Keyed, OpenKeyed

# google-genai's own aiohttp session class; nothing of ours can avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5", "gemini": "gemini-2.5-flash"}
RAISED: dict[str, dict[int, type[Exception]]] = {
    "openai": {401: openai.AuthenticationError, 403: openai.PermissionDeniedError, 429: openai.RateLimitError,
               503: openai.InternalServerError},
    "anthropic": {401: anthropic.AuthenticationError, 403: anthropic.PermissionDeniedError,
                  429: anthropic.RateLimitError, 503: anthropic.APIStatusError},
    "gemini": {401: errors.ClientError, 403: errors.ClientError, 429: errors.ClientError, 503: errors.ServerError},
}  # fmt: skip
every_sdk = pytest.mark.parametrize("sdk", MODELS)


class AllSpent(NothingSpent):
    """A standing in which every key has used up a budget."""

    def used_up(self, key: Key | None, group: str) -> UsedUp | None:
        """It is."""
        return UsedUp("group", group, Decimal(7), "day", datetime(2027, 1, 1, tzinfo=UTC))


def ask_openai(base_url: str, key: str) -> Any:
    with openai.OpenAI(base_url=base_url + "/openai/v1", api_key=key) as client:
        return client.chat.completions.create(model=MODELS["openai"], messages=[{"role": "user", "content": "Hi"}])


def ask_anthropic(base_url: str, key: str) -> Any:
    with anthropic.Anthropic(base_url=base_url + "/anthropic", api_key=key) as client:
        return client.messages.create(
            model=MODELS["anthropic"], max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )


def ask_gemini(base_url: str, key: str) -> Any:
    with genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base_url + "/gemini")) as client:
        return client.models.generate_content(model=MODELS["gemini"], contents="Hi")


ASK: dict[str, Callable[[str, str], Any]] = {"openai": ask_openai, "anthropic": ask_anthropic, "gemini": ask_gemini}


async def refused(home: Keyed, sdk: str, secret: str, status: int, code: str, key: str | None = "laptop") -> Any:
    """The exception of a call that is refused once, with this status, and is one row with this code."""
    with pytest.raises(RAISED[sdk][status]) as raised:
        await asyncio.to_thread(ASK[sdk], home.house.proxy, secret)
    told = getattr(raised.value, "status_code", None) or getattr(raised.value, "code", None)
    assert told == status
    row = await home.house.row()
    assert (row["status"], row["outcome"], row["error"]["code"]) == (status, "rejected", code)
    assert row["error"]["message"] in str(raised.value)
    if key is not None:
        assert row["key"] == key
    details = await home.house.details(row["id"])
    assert details["request"]["body"] is None
    return raised.value


@every_sdk
async def test_an_issued_key_is_all_a_client_needs(keyed: OpenKeyed, sdk: str) -> None:
    """With an issued key for its API key, an SDK gets its answer, and the row says whose it was."""
    home = await keyed()
    answer = await asyncio.to_thread(ASK[sdk], home.house.proxy, home.issue("laptop", "lab"))
    assert answer is not None
    row = await home.house.row()
    assert (row["key"], row["group"], row["status"], row["upstream"]) == ("laptop", "lab", 200, sdk)


@every_sdk
@pytest.mark.parametrize(
    "secret", ["sk-proj-0123456789abcdef", "tb-mistyped", new_secret()], ids=["foreign", "typo", "unknown"]
)
async def test_an_unknown_key_is_an_authentication_error(keyed: OpenKeyed, sdk: str, secret: str) -> None:
    """Whatever is no key raises the SDK's exception for 401, once."""
    error = await refused(await keyed(), sdk, secret, 401, "unknown_key", key=None)
    if sdk == "openai":
        assert error.code == "invalid_api_key"


@every_sdk
@pytest.mark.parametrize("end", ["disable", "delete"])
async def test_a_withdrawn_key_is_an_authentication_error(keyed: OpenKeyed, sdk: str, end: str) -> None:
    """A disabled or deleted key raises the SDK's exception for 401, once."""
    home = await keyed()
    secret = home.issue()
    getattr(home.register, end)("laptop")
    home.refresh()
    await refused(home, sdk, secret, 401, f"{end}d_key")


@every_sdk
async def test_a_model_that_is_not_allowed_is_a_permission_error(keyed: OpenKeyed, sdk: str) -> None:
    """A model outside the key's list raises the SDK's exception for 403, once, and is named."""
    home = await keyed()
    error = await refused(home, sdk, home.issue(models=("nothing-*",)), 403, "model_not_allowed")
    assert MODELS[sdk] in str(error)


@every_sdk
async def test_an_upstream_that_is_not_allowed_is_a_permission_error(keyed: OpenKeyed, sdk: str) -> None:
    """An upstream outside the key's list raises the SDK's exception for 403, once."""
    home = await keyed()
    await refused(home, sdk, home.issue(upstreams=("groq",)), 403, "upstream_not_allowed")


@every_sdk
async def test_a_used_up_budget_is_a_rate_limit_error(keyed: OpenKeyed, sdk: str) -> None:
    """A budget that is used up raises the SDK's exception for 429, once."""
    home = await keyed()
    secret = home.issue()
    home.house.worker.keyring.standing = AllSpent()
    error = await refused(home, sdk, secret, 429, "insufficient_quota")
    if sdk == "openai":
        assert (error.type, error.code) == ("insufficient_quota", "insufficient_quota")
    assert "the group lab" in str(error)


@every_sdk
async def test_a_missing_upstream_credential_is_not_retried(keyed: OpenKeyed, sdk: str) -> None:
    """An upstream that nobody gave a credential raises the SDK's exception for 503, once."""
    home = await keyed("https://127.0.0.1:1", upstream={"api_key": None})
    await refused(home, sdk, home.issue(), 503, "no_upstream_key")


async def test_a_limit_tells_an_sdk_how_long_to_wait(keyed: OpenKeyed) -> None:
    """A call past the calls a minute raises the exception for 429, with the seconds to wait."""
    home = await keyed()
    secret = home.issue(per_minute=1)
    await asyncio.to_thread(ask_openai, home.house.proxy, secret)
    patient = openai.OpenAI(base_url=home.house.proxy + "/openai/v1", api_key=secret, max_retries=0)
    with patient as client, pytest.raises(openai.RateLimitError) as raised:
        await asyncio.to_thread(client.models.list)
    assert raised.value.code == "rate_limited"
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60
