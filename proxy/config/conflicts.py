"""What is wrong between values that are each right: two listeners on one port, an open door, a call that circles.

Looks at no network: a host name that resolves to this machine in some other way is not seen here.
"""

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from ipaddress import ip_address
from urllib.parse import urlsplit

from proxy.config.mistakes import Mistake, place
from proxy.config.model import Address, Config, Upstream


def unreachable_builtin(config: Config, written: Collection[str]) -> set[str]:
    """Built-in upstreams on a port that Tollbook itself takes. Nobody asked for them, so they only step aside."""
    return {
        upstream.name
        for upstream in config.upstreams.values()
        if upstream.name not in written and _own_listener(upstream, config)
    }


def conflicts(config: Config, *, refused: AbstractSet[str], token_env: str | None) -> Iterator[Mistake]:
    """Every contradiction, but none with a value that was refused and is not what the user meant.

    `token_env` is the variable a token would come from; None when none was looked up.
    """
    proxy, dashboard = config.proxy.listen, config.dashboard.listen
    unsure = not refused.isdisjoint({"proxy.listen", "--listen", "dashboard.listen", "--dashboard"})
    if proxy.port == dashboard.port != 0 and not unsure:
        yield Mistake(
            "dashboard.listen", f"proxy.listen ({proxy}) has the same port; they need one each", str(dashboard)
        )
    if token_env and not dashboard.loopback and config.dashboard.token is None and "dashboard.token_env" not in refused:
        yield Mistake(
            "dashboard.listen",
            f"beyond this machine a token is needed; set the environment variable {token_env}, or listen on 127.0.0.1",
            str(dashboard),
        )
    for upstream in config.upstreams.values():
        own = _own_listener(upstream, config)
        if own and not unsure:
            yield Mistake(
                f"{place('upstreams', upstream.name)}.base_url",
                f"is Tollbook's own address ({own}); give the model API's",
                f'"{upstream.base_url}"',
            )


def _own_listener(upstream: Upstream, config: Config) -> Address | None:
    for listener in (config.proxy.listen, config.dashboard.listen):
        if upstream.base_url and _reaches(upstream.base_url, listener):
            return listener
    return None


def _reaches(base_url: str, listener: Address) -> bool:
    url = urlsplit(base_url)
    host, port = url.hostname or "", url.port or {"http": 80, "https": 443}[url.scheme]
    if port != listener.port:
        return False
    if _is_any(listener.host) or _is_any(host):
        return host == listener.host or _is_this_machine(host)
    named = "localhost" in (host, listener.host)
    return host == listener.host or (named and _is_this_machine(host) and listener.loopback)


def _is_any(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_this_machine(host: str) -> bool:
    return Address(host, 0).loopback or _is_any(host)
