"""Who asks: somebody in front of a browser, or a program."""

from aiohttp import web


def is_a_person(request: web.Request) -> bool:
    """Whether a browser is about to show what comes; a script of a page wants to be told, not led elsewhere."""
    return (
        request.method in ("GET", "HEAD")
        and "text/html" in request.headers.get("Accept", "")
        and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and not request.path.startswith("/api/")
    )
