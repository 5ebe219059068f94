"""`[credits] webhook_url` is checked, goes with the secret that signs, and shows no more of itself than its origin."""

import pickle
import re
from pathlib import Path

import pytest

from proxy.config.load import ConfigError, load
from proxy.config.model import Config

HOOK = '[credits]\nwebhook_url = "https://Hooks.example.com:8443/t0ps/%2Fecret?k=s3cret"\n'
SIGNED = HOOK + 'webhook_secret_env = "W"\n'


def loaded(tmp_path: Path, text: str, environ: dict[str, str] | None = None, *, secrets: bool = True) -> Config:
    """The configuration that this file gives."""
    (tmp_path / "tollbook.toml").write_text(text)
    return load(environ={"HOME": "/h"} | (environ or {}), cwd=tmp_path, secrets=secrets)


def mistake(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> str:
    """The only thing that is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text, environ)
    (only,) = caught.value.mistakes
    return str(only)


def test_nobody_is_told_unless_asked_for(tmp_path: Path) -> None:
    """Without the key there is neither URL nor secret."""
    assert loaded(tmp_path, "").credits.webhook_url is None
    assert loaded(tmp_path, "").credits.webhook_secret is None


def test_url_and_secret_are_what_was_given(tmp_path: Path) -> None:
    """The URL stays as it is written, path and query too; the secret is that of the variable."""
    config = loaded(tmp_path, SIGNED, {"W": "hunter2"})
    assert config.credits.webhook_url is not None
    assert config.credits.webhook_url.reveal() == "https://Hooks.example.com:8443/t0ps/%2Fecret?k=s3cret"
    assert config.credits.webhook_secret is not None
    assert config.credits.webhook_secret.reveal() == "hunter2"


def test_only_the_origin_is_printed(tmp_path: Path) -> None:
    """Whatever prints the configuration, also in another process, prints no path, query or secret."""
    config: Config = pickle.loads(pickle.dumps(loaded(tmp_path, SIGNED, {"W": "hunter2"})))
    url = config.credits.webhook_url
    for printed in (f"{config}", f"{url}", f"{url!r}", f"{url!s}", f"{url:>60}", f"{(url,)}"):
        assert "https://Hooks.example.com:8443/***" in printed
        assert not re.search("t0ps|ecret|s3cret|hunter2", printed.replace("webhook_secret", ""))


def test_messages_are_signed_or_not_sent(tmp_path: Path) -> None:
    """A URL needs a secret, and a secret a URL."""
    assert mistake(tmp_path, HOOK).startswith("credits.webhook_secret_env: is required with webhook_url")
    alone = '[credits]\nwebhook_secret_env = "W"'
    assert mistake(tmp_path, alone, {"W": "x"}) == "credits.webhook_secret_env: is of no use without webhook_url"


def test_the_secret_must_be_there(tmp_path: Path) -> None:
    """A variable that is not set is a mistake, except for commands that only read the book."""
    assert mistake(tmp_path, SIGNED) == "credits.webhook_secret_env: the environment variable W is not set"
    assert loaded(tmp_path, SIGNED, secrets=False).credits.webhook_secret is None


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("hooks.example.com/t0psecret", "http://"),
        ("ftp://example.com/t0psecret", "http://"),
        ("https:///t0psecret", "host"),
        ("https://example.com:99999/t0psecret", "port"),
        ("https://example.com:0/t0psecret", "port"),
        ("https://-example.com/t0psecret", "host"),
        ("https://[::1/t0psecret", "host"),
        ("https://example.com/t0p secret", "must be a URL"),
        ("https://example.com/t0psécret", "must be a URL"),
        ("https://user:t0psecret@example.com", "user name"),
        ("https://example.com/t0psecret#x", "fragment"),
    ],
)
def test_bad_url_is_refused_unseen(tmp_path: Path, url: str, advice: str) -> None:
    """What is no http or https URL of a host is refused once, and not repeated."""
    line = mistake(tmp_path, f'[credits]\nwebhook_url = "{url}"\nwebhook_secret_env = "W"', {"W": "x"})
    assert line.startswith("credits.webhook_url: ")
    assert advice in line
    assert "t0p" not in line
