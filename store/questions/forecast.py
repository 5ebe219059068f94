"""What will have been spent by the end of the month, if it goes on as in the last days.

The month so far, and for what is left of it the average per day of the last seven full days (of fewer, where the book
is younger). Obeys the five dimensions of the filter and its time zone; its time range and the rest do not matter here.
Refuses to guess from less than a full day.
"""

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal

from store.filters import DIMENSIONS, Filter
from store.moments import epoch_us
from store.questions.beginning import beginning_us
from store.questions.partial import together
from store.questions.row import Json
from store.questions.stats import stats
from store.reader import Source

_DAYS = 7
_DAY = Decimal(86_400_000_000)


async def forecast(source: Source, asked: Filter, now: datetime) -> Json:
    """{"month", "usd", "so_far_usd", "per_day_usd", "averaged_days", "days_left", "unknown_calls", "method", ...}.

    `usd` is null while no full day, or no cost, is known; `unknown_calls` of this month have costs that no sum holds.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    meant = Filter(zone=asked.zone, **{name: getattr(asked, name) for name in DIMENSIONS})
    local = now.astimezone(asked.zone)
    today = datetime.combine(local.date(), time(), asked.zone)
    month = datetime.combine(local.date().replace(day=1), time(), asked.zone)
    after = datetime.combine((local.date().replace(day=1) + timedelta(days=32)).replace(day=1), time(), asked.zone)
    so_far = await stats(source, replace(meant, from_us=epoch_us(month), to_us=epoch_us(now)), percentiles=False)
    began = await beginning_us(source)
    days = _full_days(began, today)
    answers = [so_far]
    per_day: Decimal | None = None
    if days:
        week = replace(meant, from_us=epoch_us(today - timedelta(days=days)), to_us=epoch_us(today))
        answers.append(await stats(source, week, percentiles=False))
        usd = answers[-1]["total"]["cost"]["usd"]
        per_day = None if usd is None else Decimal(usd) / days
    left = Decimal(epoch_us(after) - epoch_us(now)) / _DAY
    spent = so_far["total"]["cost"]["usd"]
    expected = None if spent is None or per_day is None else Decimal(spent) + per_day * left
    return {
        "month": f"{local:%Y-%m}",
        "usd": _usd(expected),
        "so_far_usd": spent,
        "per_day_usd": _usd(per_day),
        "averaged_days": days,
        "days_left": round(float(left), 3),
        "unknown_calls": so_far["total"]["cost"]["unknown_calls"],
        "method": _method(days),
        **together(answers),
    }


def _full_days(began: int | None, today: datetime) -> int:
    """How many of the last seven local days the book has from their first minute on."""
    if began is None:
        return 0
    # Arithmetic on the local clock: a day lasts 23 hours when clocks go forward.
    return sum(epoch_us(today - timedelta(days=back)) >= began for back in range(1, _DAYS + 1))


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.9f}"


def _method(days: int) -> str:
    if not days:
        return "There is no full day of calls yet to go by."
    average = "of the last full day" if days == 1 else f"per day of the last {days} full days"
    return f"The month so far, and for what is left of it the average {average}."
