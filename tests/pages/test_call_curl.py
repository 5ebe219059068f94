"""A call as a command: a shell understands exactly what was sent, and nothing else."""

import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from proxy.config.model import Address
from store.dialects import Document
from store.pages.curl import Again, again, quoted

ID = "0193a5f0-c0de-7000-8000-000000000001"
LISTEN = Address("127.0.0.1", 8787)
NASTY = [
    "plain", "", "it's", '"$HOME" `id` $(id) \\n !! \\', "a\nb", "@file", "-d x",
    "\x1b[201~\nid\n", "\x03\x04\x7f", "tab\t",
    "\r\n", "\u202eevil", "grüße 日本 👩‍💻", "'\x1b'", "\\'\x07\\", "\x9b31m", "*?[a]{b,c}~",
]  # fmt: skip


def command(body: bytes | None = b"{}", *, size: int | None = None, cut: bool = False, **changes: object) -> Again:
    values: dict[str, object] = {
        "upstream": "openai", "dialect": "openai", "method": "POST", "target": "/v1/chat/completions",
        "headers": (("content-type", "application/json"),), "credential": True, "streamed": False, **changes,
    }  # fmt: skip
    document = None if body is None else Document(body, b"", cut=cut)
    return again(ID, body=document, body_bytes=len(body or b"") if size is None else size, listen=LISTEN, **values)  # type: ignore[arg-type]


def run(tmp_path: Path, text: str, **environment: str) -> list[str]:
    """What a program named curl is given when bash runs this."""
    fake = tmp_path / "curl"
    fake.write_text('#!/usr/bin/env python3\nimport json, os, sys\n'
                    'print(json.dumps([os.fsencode(a).hex() for a in sys.argv[1:]]))\n')  # fmt: skip
    fake.chmod(0o755)
    done = subprocess.run(
        ["/bin/bash", "-c", text], capture_output=True, check=True, cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C", **environment},
    )  # fmt: skip
    assert done.stderr == b""
    return [bytes.fromhex(word).decode() for word in json.loads(done.stdout)]


@pytest.mark.parametrize("text", NASTY)
def test_a_shell_gives_back_what_was_quoted(tmp_path: Path, text: str) -> None:
    """Quoting is exact, and no control or direction character stands in the command itself."""
    written = quoted(text)
    assert run(tmp_path, f"curl {written}") == [text]
    assert all(char.isprintable() or char in "\n\t\u200d" for char in written)


@pytest.mark.parametrize("text", [text for text in NASTY if text])
def test_a_body_arrives_byte_for_byte(tmp_path: Path, text: str) -> None:
    """The words of a request are one argument, never an option, a file or a second command."""
    given = run(tmp_path, command(text.encode()).command, API_KEY="k")
    assert given[:6] == [
        "-X", "POST", "http://127.0.0.1:8787/openai/v1/chat/completions", "-H", "Authorization: Bearer k", "-H",
    ]  # fmt: skip
    assert given[6:] == ["content-type: application/json", "--data-raw" if text[0] == "@" else "--data-binary", text]


@pytest.mark.parametrize(
    ("dialect", "header"),
    [("openai", "Authorization: Bearer K"), ("anthropic", "x-api-key: K"), ("gemini", "x-goog-api-key: K"),
     ("generic", "Authorization: Bearer K")],
)  # fmt: skip
def test_the_credential_is_left_to_the_shell(tmp_path: Path, dialect: str, header: str) -> None:
    """The placeholder is where the dialect expects a key; a call without one gets none."""
    given = run(tmp_path, command(dialect=dialect).command, API_KEY="K", ANTHROPIC_API_KEY="K", GEMINI_API_KEY="K")
    assert header in given
    assert "KEY" not in command(dialect=dialect, credential=False).command


def test_secrets_of_the_address_are_left_out(tmp_path: Path) -> None:
    """A parameter that was redacted is not sent as the word that stands for it; the others are."""
    path = "/v1beta/models/gemini-x:generateContent"
    for target, left in (
        ("?key=REDACTED", ""),
        ("?alt=sse&key=REDACTED", "?alt=sse"),
        ("?key=REDACTED&a=[1]", "?a=[1]"),
    ):
        given = run(tmp_path, command(upstream="gemini", target=path + target, dialect="gemini").command)
        assert f"http://127.0.0.1:8787/gemini{path}{left}" in given
        assert ("-g" in given) == ("[" in target)


def test_headers_that_matter_are_sent_again(tmp_path: Path) -> None:
    """Versions, betas and labels are kept; what a client sends by itself is not."""
    headers = (
        ("content-type", "application/json"), ("anthropic-version", "2023-06-01"), ("x-tollbook-user", "a'b"),
        ("user-agent", "x"), ("accept-encoding", "gzip"), ("x-stainless-os", "Linux"), ("idempotency-key", "1"),
        ("content-length", "2"),
    )  # fmt: skip
    given = run(tmp_path, command(headers=headers).command, API_KEY="k")
    sent = [value for option, value in pairwise(given) if option == "-H"]
    assert sent == [
        "Authorization: Bearer k", "content-type: application/json", "anthropic-version: 2023-06-01",
        "x-tollbook-user: a'b",
    ]  # fmt: skip


def test_a_body_that_is_no_argument_is_read_from_a_file(tmp_path: Path) -> None:
    """Bytes that are no text, and what is longer than an argument may be, come from the file that can be downloaded."""
    for body in (b"\x89PNG\r\n\xff", b"a\0b", b"x" * 200_000):
        made = command(body)
        assert made.body_file is not None
        assert run(tmp_path, made.command, API_KEY="k")[-2:] == ["--data-binary", f"@{made.body_file}"]


def test_what_is_missing_is_said() -> None:
    """A body that is not kept, or not whole, is not sent as if it were; a call without a body lacks nothing."""
    assert "not kept" in str(command(None, size=9).missing)
    assert "not kept whole" in str(command(b"{", size=9, cut=True).missing)
    assert command(None, size=0, method="GET").missing is None
    assert "--data" not in command(None, size=9).command + command(b"{", size=9, cut=True).command


def test_other_listeners(tmp_path: Path) -> None:
    """A listener of all addresses is called by the loopback one, and a call of no upstream by its own path."""
    made = again(ID, None, "generic", "GET", "/opnai/x", (), None, 0, Address("::", 1), credential=False, streamed=True)
    assert run(tmp_path, made.command) == ["-N", "-g", "http://[::1]:1/opnai/x"]
