"""Figures of time and size as people say them."""


def span(us: float) -> str:
    """A duration: 0.4 ms, 812 ms, 4.1 s, 2 min 5 s."""
    if us < 10_000:
        return f"{us / 1000:.1f} ms"
    if us < 999_500:
        return f"{us / 1000:.0f} ms"
    if us < 59_950_000:
        return f"{us / 1_000_000:.1f} s"
    minutes, seconds = divmod(round(us / 1_000_000), 60)
    return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"


def count(number: float) -> str:
    """A count with its thousands apart: 12,345."""
    return f"{number:,.0f}"


def rate(per_second: float) -> str:
    """A speed: 4.2, 45, 1,200."""
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"


def several(number: int, one: str) -> str:
    """1 call, 2 calls."""
    return f"{count(number)} {one}" if number == 1 else f"{count(number)} {one}s"
