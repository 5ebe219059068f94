"""What a browser told about whoever looks: the time zone and the theme, in two cookies that its own script sets.

They are no filter and no secret: the same address shows the same calls to everyone, each in their own zone.
"""

from dataclasses import dataclass
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from aiohttp import web

from store.filters import UTC_ZONE
from store.moments import zone

ZONE_COOKIE = "tollbook_zone"
THEME_COOKIE = "tollbook_theme"
_THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Viewer:
    """The zone times are shown in unless the address says otherwise, and the theme; "auto" follows the system."""

    zone: ZoneInfo = UTC_ZONE
    zone_known: bool = False  # False: the browser has not said yet
    theme: str = "auto"


def viewer_of(request: web.Request) -> Viewer:
    """Whoever looks at this page."""
    theme = request.cookies.get(THEME_COOKIE, "")
    try:
        told = zone(unquote(request.cookies[ZONE_COOKIE]))
    except (KeyError, ValueError):
        return Viewer(theme=theme if theme in _THEMES else "auto")
    return Viewer(told, zone_known=True, theme=theme if theme in _THEMES else "auto")
