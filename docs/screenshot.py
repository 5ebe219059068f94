"""Draws the pictures of the README from a running demo: `make screenshot`, or `python -m docs.screenshot`.

Needs chromium (TOLLBOOK_CHROMIUM may name it). The pictures are written beside this file.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.demo import demo

_HERE = Path(__file__).resolve().parent
_ENOUGH_S = 8.0  # for the past to be in the book, and for some new calls
_PICTURES = {  # name: address, and what must be there
    "usage-logs": ("/logs?from=7d", "#histogram svg rect"),
    "usage-stats": ("/stats?from=14d", ".js-plotly-plot .plot-container"),
}


async def draw() -> None:
    """Start the demo, and draw each page in both themes."""
    chromium = os.environ.get("TOLLBOOK_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium here; TOLLBOOK_CHROMIUM may name one")
    with tempfile.TemporaryDirectory() as directory:
        async with demo(Path(directory) / "own") as running, async_playwright() as playwright:
            await asyncio.sleep(_ENOUGH_S)
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, (path, drawn) in _PICTURES.items():
                for theme in ("light", "dark"):
                    picture = _HERE / f"{name}-{theme}.png"
                    await _draw_one(browser, running.dashboard + path, drawn, theme, picture)
            await browser.close()


async def _draw_one(browser: Browser, address: str, drawn: str, theme: str, picture: Path) -> None:
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, timezone_id="Europe/Berlin", locale="en-GB"
    )
    cookies = {"tollbook_theme": theme, "tollbook_zone": "Europe%2FBerlin"}
    await context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_selector(drawn)
    await page.wait_for_timeout(500)  # what is drawn settles
    await page.screenshot(path=picture)
    await context.close()
    print(picture.relative_to(_HERE.parent))


if __name__ == "__main__":
    asyncio.run(draw())
