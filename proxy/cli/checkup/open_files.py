"""The limit of open files: that a worker may hold as many connections as the configuration lets it."""

from proxy.cli.checkup.finding import Finding, ok, warn
from proxy.config.model import Proxy
from proxy.open_files import hard_limit, judged, needed


def open_files(proxy: Proxy) -> Finding:
    """What this user may have; a service may be granted another number."""
    return found(hard_limit(), proxy)


def found(hard: int, proxy: Proxy) -> Finding:
    """What a hard limit says."""
    too_few = judged(hard, proxy)
    if too_few is None:
        return ok("open files", f"A worker may have the {needed(proxy):,} that it may need")
    return warn("open files", too_few.problem, too_few.remedy)
