"""Which version this is: of the installed distribution, or of the checkout that runs."""

import re
from pathlib import Path


def version() -> str:
    """The version number; "unknown" when neither a distribution nor a checkout says."""
    checkout = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if checkout.is_file() and (found := re.search(r'(?m)^version = "([^"]+)"', checkout.read_text())):
        return found[1]
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("tollbook")
    except PackageNotFoundError:
        return "unknown"
