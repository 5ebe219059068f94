"""What the documents promise is true of the code, as far as that can be seen without a running server."""

import functools
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from proxy.config.builtin import BUILTIN
from proxy.config.load import TOKEN_ENV, load
from proxy.config.model import Capture, Dashboard, Proxy

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(path.name for path in ROOT.glob("*.md"))
CLIENTS = f"http://{Proxy().listen}"
PEOPLE = f"http://{Dashboard().listen}"


def blocks(language: str) -> list[str]:
    """The README's code blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def anchor(title: str) -> str:
    """The name by which a link within the page finds a heading."""
    return re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")


@functools.cache
def help_of(*command: str) -> str:
    """What `tollbook COMMAND --help` prints."""
    said = subprocess.run(
        [sys.executable, "-m", "proxy.cli", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """Every link of a document to a file or heading has one at its end."""
    text = (ROOT / document).read_text()
    headings = {anchor(title) for title in re.findall(r"^#+ (.*)", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (ROOT / target.partition("#")[0]).exists(), f"{document} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document: str) -> None:
    """Every `make TARGET` that a document names is a target."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make (\w+)", (ROOT / document).read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("document", ["README.md", "docs/estimates.md", "deploy/README.md"])
def test_what_is_installed_is_in_the_checkout(document: str) -> None:
    """Every `pip install` of a document installs this checkout, into an environment, with extras that there are."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    commands = re.findall(r"(\S*)pip install\s+(?:-e\s+)?'?([^\s'`\[]+)(?:\[(\w+)\])?", (ROOT / document).read_text())
    assert commands
    for place, what, extra in commands:
        assert (place.endswith("/bin/"), what) == (True, ".")
        assert not extra or extra in extras


def test_readme_names_the_three_commands() -> None:
    """The README says how to run, to test and to look around."""
    assert set(re.findall(r"^make (\w+)", README, re.MULTILINE)) == {"run", "test", "demo"}


@pytest.mark.parametrize("line", re.findall(r"^(?:\.venv/bin/)?tollbook [^#\n]*[^#\s]", README, re.MULTILINE))
def test_commands_and_their_options_exist(line: str) -> None:
    """Every `tollbook` line in the README is a command with options that its help names."""
    words = line.split()
    command = words[1]
    assert re.search(rf"^\s+{command}\b", help_of(), re.MULTILINE)
    within = words[2:3] if "COMMAND" in help_of(command) else []  # `keys create`
    for option in (word for word in words if word.startswith("--")):
        assert option in help_of(command, *within)


@pytest.mark.parametrize("snippet", [block for block in blocks("toml") if block.startswith("# tollbook.toml")])
def test_configuration_snippets_load(snippet: str, tmp_path: Path) -> None:
    """A `tollbook.toml` in the README can be used as it stands."""
    (tmp_path / "tollbook.toml").write_text(snippet)
    config = load(environ={"HOME": "/h", TOKEN_ENV: "token"}, cwd=tmp_path)
    assert tomllib.loads(snippet)
    assert config.source is not None


def test_upstreams_of_the_readme_are_the_built_in_ones() -> None:
    """The README's table of upstreams has each built-in one, the base URL for its clients, and where it goes."""
    rows = re.findall(r"^\| ([\w-]+) \| `(\S+)` \| `(\S+)` \|$", README, re.MULTILINE)
    assert {name: goes_to for name, _, goes_to in rows} == {name: each.base_url for name, each in BUILTIN.items()}
    for name, base_url, _ in rows:
        assert base_url == f"{CLIENTS}/{name}" or base_url.startswith(f"{CLIENTS}/{name}/")


def test_addresses_of_the_readme_are_the_defaults() -> None:
    """Every address on 8787 or 8788 in the README is one that `make run` listens on, and names a known upstream."""
    known = {*BUILTIN, *re.findall(r"^\[upstreams\.([\w-]+)\]$", README, re.MULTILINE)}
    for address, path in re.findall(r"(http://127\.0\.0\.1:878\d)(/[\w-]+)?", README):
        assert address in (CLIENTS, PEOPLE)
        if address == CLIENTS and path:
            assert path[1:] in known


def settings() -> dict[str, str]:
    """The environment variables that the README gives to clients."""
    return dict(re.findall(r"`([A-Z_]+_BASE_URL)=(\S+)`", README))


def test_openai_sdk_obeys_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The OpenAI SDK calls the proxy when its variable is set as the README says."""
    import openai

    monkeypatch.setenv("OPENAI_BASE_URL", settings()["OPENAI_BASE_URL"])
    assert str(openai.OpenAI(api_key="k").base_url) == f"{CLIENTS}/openai/v1/"


def test_anthropic_sdk_obeys_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Anthropic SDK calls the proxy when its variable is set as the README says."""
    import anthropic

    monkeypatch.setenv("ANTHROPIC_BASE_URL", settings()["ANTHROPIC_BASE_URL"])
    assert str(anthropic.Anthropic(api_key="k").base_url).rstrip("/") == f"{CLIENTS}/anthropic"


def test_google_sdk_obeys_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Google Gen AI SDK calls the proxy when its variable is set as the README says."""
    from google import genai

    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", settings()["GOOGLE_GEMINI_BASE_URL"])
    client: Any = genai.Client(api_key="k")
    assert client._api_client._http_options.base_url.rstrip("/") == f"{CLIENTS}/gemini"
    client.close()


def test_figures_of_the_readme_are_the_defaults() -> None:
    """The size of what is kept and the version of Python are the ones in force."""
    assert f"{Capture().max_bytes // 1024} KB" in README
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"Python {requires.removeprefix('>=')} or newer" in README


def test_the_readme_shows_pictures_that_are_there() -> None:
    """Every picture in the README is in the repository, and is one that `make screenshot` draws."""
    shown = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert len(shown) >= 2
    drawn = (ROOT / "docs" / "screenshot.py").read_text()
    for path in shown:
        assert (ROOT / path).read_bytes().startswith(b"\x89PNG")
        name, _, theme = Path(path).stem.rpartition("-")
        assert f'"{name}"' in drawn
        assert f'"{theme}"' in drawn


def test_every_row_of_the_matrix_is_shown_or_explained() -> None:
    """Rows 1 to 58 of the matrix are each there once; each test it names exists, and a row without one says why."""
    page = (ROOT / "docs" / "reliability.md").read_text()
    rows = re.findall(r"^\| ([\d, ]+) \| (.*) \| (.*) \|(.*)\|$", page, re.MULTILINE)
    assert sorted(int(number) for numbers, *_ in rows for number in numbers.split(",")) == list(range(1, 59))
    for numbers, fault, holds, shown in rows:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", shown)
        assert len(named) == shown.count("::"), shown
        assert named or re.search(r"^(not |there is no|belongs to)", holds), (numbers, fault)
        for file, function in named:
            assert re.search(rf"^(async )?def {function}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), (
                function
            )
