"""Single values of the configuration: each function gives the value, or a ValueError that says what would be right.

They know nothing of tables, files or the environment, and take nothing for something else: "2" is not a number,
true is not 1, and a float keeps the decimals it was written with.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from proxy.config.budget import Budget, read_budgets
from proxy.config.model import Address, SecretUrl

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DECIMALS = 12  # more would leave the 28 digits in which costs are computed


def name(value: str) -> str:
    """The name of an upstream or group."""
    if not _NAME.fullmatch(value):
        raise ValueError("a name is 1 to 64 letters, digits, or . _ @ -")
    return value


def text(value: object) -> str:
    """A string that says something."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be a string that is not empty")
    return value


def truth(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def whole(least: int, most: int) -> Callable[[object], int]:
    """A whole number between two limits."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return check


workers = whole(1, 256)


def span(least: float, most: float, unit: str) -> Callable[[object], float]:
    """A length of time in `unit`. Times are measured, so a float will do."""

    def check(value: object) -> float:
        number = _decimal(value)
        if number is None or not least <= number <= most:
            raise ValueError(f"must be a number of {unit} from {least:g} to {most:g}")
        return float(number)

    return check


def amount(most: int, *, zero: bool = True) -> Callable[[object], Decimal]:
    """An exact number, not negative."""

    def check(value: object) -> Decimal:
        number = _decimal(value)
        if number is None:
            raise ValueError("must be a number")
        if number < 0:
            raise ValueError("must not be negative")
        if not zero and number == 0:
            raise ValueError("must be more than 0")
        exponent = number.as_tuple().exponent
        if number > most or not isinstance(exponent, int) or exponent < -_DECIMALS:
            raise ValueError(f"must be at most {most}, with at most {_DECIMALS} decimals")
        return number

    return check


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None


def day(value: object) -> date:
    """A date without a time."""
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("must be a date, written without quotes or time: 2026-01-31")
    return value


FOREVER = "forever"
UNLIMITED = "unlimited"
_AGE = re.compile(r"([1-9][0-9]{0,5}) ?(h|d)")
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(MB|GB|TB)")
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def age(least: timedelta) -> Callable[[object], timedelta | None]:
    """How long something is kept; None: for ever."""
    shortest = f"{least.days}d" if least.days else f"{least.seconds // 3600}h"

    def check(value: object) -> timedelta | None:
        if value == FOREVER:
            return None
        found = _AGE.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            number, unit = int(found[1]), found[2]
            kept = timedelta(hours=number) if unit == "h" else timedelta(days=number)
            if kept >= least:
                return kept
        raise ValueError(f'must be days or hours such as "90d" or "12h", from "{shortest}" on, or "{FOREVER}"')

    return check


def size(least: int, otherwise: str = UNLIMITED) -> Callable[[object], int | None]:
    """How many bytes; None: the word that stands for none in particular."""

    def check(value: object) -> int | None:
        if value == otherwise:
            return None
        found = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if found is not None and (wanted := int(Decimal(found[1]) * _BYTES[found[2]])) >= least:
            return wanted
        raise ValueError(f'must be a size such as "500MB" or "10GB", from "{least // 10**6}MB" on, or "{otherwise}"')

    return check


def time_zone(value: object) -> str:
    """The IANA name of a time zone."""
    if isinstance(value, str):
        try:
            return ZoneInfo(value).key
        except (LookupError, ValueError, OSError):
            pass
    raise ValueError('must be the IANA name of a time zone, such as "UTC" or "Europe/Berlin"')


def budgets(value: object) -> tuple[Budget, ...]:
    """A list of budgets."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError('must be a list of CREDITS/PERIOD, such as ["50000/month"]')
    return read_budgets(value)


def variable(value: object) -> str:
    """The name of an environment variable. A credential written in its place is refused without being repeated."""
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise ValueError("must be the name of an environment variable; the secret itself belongs in that variable")
    return value


def host(value: str) -> str:
    """A host name or IP address, in lower case and without brackets."""
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        return str(ip_address(bare))
    except ValueError:
        pass
    if not _HOST_NAME.fullmatch(bare) or bare != value or re.fullmatch(r"[0-9.]+", bare):
        raise ValueError("has no valid host name or IP address")
    return bare.lower()


def address(value: object) -> Address:
    """Where to listen."""
    advice = 'must be "HOST:PORT", such as "127.0.0.1:8787" or "[::1]:8787"'
    if not isinstance(value, str):
        raise ValueError(advice)
    before, colon, port = value.rpartition(":")
    bracketed = before.startswith("[") and before.endswith("]")
    if not colon or not before or (":" in before and not bracketed) or not re.fullmatch(r"[0-9]{1,6}", port):
        raise ValueError(advice)
    if int(port) > 65535:
        raise ValueError("has a port above 65535")
    return Address(host(before), int(port))


def host_name(value: object) -> str:
    """A host as browsers send it, without scheme and port."""
    if isinstance(value, str):
        try:
            return host(value)
        except ValueError:
            pass
    raise ValueError('must be a host name without scheme, port or path, such as "tollbook.example.org"')


def base_url(value: object) -> str:
    """`scheme://host[:port][/path]`, in lower case up to the path, without a slash at the end."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise ValueError('must be a URL such as "https://api.example.com"')
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise ValueError("has no valid host and port") from None
    if url.scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    if "@" in url.netloc:
        raise ValueError("must not carry a user name or password; use api_key_env")
    if not url.hostname or url.netloc.endswith(":") or port == 0:
        raise ValueError("has no valid host and port")
    if "?" in value or "#" in value:
        raise ValueError("must not have a query or fragment")
    if any(segment in (".", "..") for segment in url.path.split("/")):
        raise ValueError('must not have "." or ".." in its path')
    return f"{url.scheme}://{_authority(url)}{url.path.rstrip('/')}"


def webhook_url(value: object) -> SecretUrl:
    """A URL to send messages to, kept as it was written: its path and query may be what its receiver knows it by."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or re.search(r'[\s\\"<>]', value):
        raise ValueError('must be a URL such as "https://hooks.example.com/tollbook"')
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise ValueError("has no valid host and port") from None
    if url.scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    if "@" in url.netloc:
        raise ValueError("must not carry a user name or password; the signature says who it is from")
    if not url.hostname or url.netloc.endswith(":") or port == 0:
        raise ValueError("has no valid host and port")
    if "#" in value:
        raise ValueError("must not have a fragment")
    _authority(url)
    return SecretUrl(value)


def _authority(url: SplitResult) -> str:
    checked = host(url.hostname or "")
    bracketed = f"[{checked}]" if ":" in checked else checked
    return bracketed if url.port is None else f"{bracketed}:{url.port}"
