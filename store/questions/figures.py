"""Numbers of the book as they are told in JSON. Unknown stays None."""


def usd(nano_usd: int | None) -> str | None:
    """Nano-dollars as a decimal string with nine places."""
    if nano_usd is None:
        return None
    whole, nano = divmod(abs(nano_usd), 1_000_000_000)
    return f"{'-' if nano_usd < 0 else ''}{whole}.{nano:09}"


def in_credits(micro: int | None) -> float | None:
    """Micro-credits as a number of credits: the float whose shortest form is the exact decimal."""
    return None if micro is None else micro / 1_000_000


def ms(us: float | None) -> float | None:
    """Microseconds as milliseconds, to the microsecond."""
    return None if us is None else round(us / 1000, 3)
