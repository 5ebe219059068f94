"""What a browser may do on a page of ours: load from here, nothing inline, talk to nobody else."""

from typing import Final

_ALLOWED: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# Plotly sets style attributes at run time; its style sheet is ours (charts.css, see base.html).
_FOR_CHARTS: Final = {"style-src-attr": "'unsafe-inline'"}


def policy(*, chart: bool) -> str:
    """The Content-Security-Policy of a page, with or without a chart on it."""
    allowed = {**_ALLOWED, **(_FOR_CHARTS if chart else {})}
    return "; ".join(f"{name} {sources}" for name, sources in allowed.items())
