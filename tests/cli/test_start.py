"""What the command does before it does anything: help and version, quickly."""

import subprocess
import sys

from tests.cli.conftest import ROOT, Run


def test_version(run: Run) -> None:
    """The version is that of the project."""
    assert run("--version").out.startswith("tollbook 0.")


def test_help_imports_nothing_heavy() -> None:
    """Listing the commands loads no validation, table, database or price library, and none of either process."""
    heavy = ("pydantic", "rich", "aiosqlite", "genai_prices", "aiohttp", "orjson", "msgspec", "store", "proxy.parent")
    code = (
        "import sys; from proxy.cli import main; main(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for command in ("serve", "demo", "logs", "show", "stats", "tail", "prices", "doctor"):
        assert f"\n  {command} " in done.stdout
