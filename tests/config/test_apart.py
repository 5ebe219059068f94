"""Reading the configuration in a process of its own gives what reading it here gives."""

import subprocess
import sys
from pathlib import Path

import pytest

from proxy.config.apart import load_apart
from proxy.config.load import ConfigError, load

GOOD = """
[proxy]
workers = 2
[upstreams.local]
base_url = "http://127.0.0.1:9/v1"
api_key_env = "SOME_KEY"
[groups.research]
budget = ["50000/month"]
"""
BAD = """
[proxy]
workers = "many"
[store]
nonsense = 1
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tollbook.toml"
    path.write_text(text)
    return path


def test_the_configuration_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-of-the-environment")
    path = written(tmp_path, GOOD)
    assert load_apart(path, listen="127.0.0.1:7000", data_dir=None) == load(path, listen="127.0.0.1:7000")


def test_it_is_found_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-of-the-environment")
    written(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert load_apart(None).proxy.workers == 2


def test_every_mistake_is_told_and_what_the_rest_would_be(tmp_path: Path) -> None:
    path = written(tmp_path, BAD)
    with pytest.raises(ConfigError) as here:
        load(path, workers=0)
    with pytest.raises(ConfigError) as apart:
        load_apart(path, workers=0)
    assert len(apart.value.mistakes) == 3
    assert str(apart.value) == str(here.value)
    assert apart.value.rest == here.value.rest


def test_whoever_asks_does_not_get_the_validation_library(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("api_key_env", "# api_key_env"))
    text = f"""
import sys
from pathlib import Path
from proxy.cli.place import configuration
configuration(Path({str(path)!r}), None, serving=True)
import proxy.parent
assert "proxy.config.model" in sys.modules
assert "pydantic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", text], check=True)
