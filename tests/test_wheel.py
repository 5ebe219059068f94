"""What is installed is what was built: a wheel carries everything the program needs beside its code."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"a wheel cannot be built here: {built.stderr.strip().splitlines()[-1:]}")
    (wheel,) = folder.glob("tollbook-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_an_installed_wheel_finds_its_schema(unpacked: Path) -> None:
    """The schema in the wheel is the one at the top of the checkout, and the code in the wheel finds it."""
    program = "from store import schema; print(schema.book_schema() + schema.bodies_schema(), end='')"
    found = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(unpacked)},
        cwd=unpacked,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    schema = (ROOT / "schema.sql").read_text()
    assert all(line in schema.splitlines() for line in found.splitlines())
    assert "create table calls" in found
    assert "create table bodies" in found


def test_an_installed_wheel_holds_what_is_no_code(unpacked: Path) -> None:
    """Every statement, template, style sheet and script of the packages is in the wheel."""
    kinds = (".sql", ".html", ".css", ".js", ".svg")
    found = [path for name in ("proxy", "store") for path in (ROOT / name).rglob("*") if path.suffix in kinds]
    assert {path.suffix for path in found} == set(kinds)
    assert [path for path in found if not (unpacked / path.relative_to(ROOT)).is_file()] == []
