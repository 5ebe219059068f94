"""How every budget stands, out of the book as it is: for whoever asks without a running `serve`, which counts along.

What calls of unknown usage would add is in no budget; `usage_unknown_calls` says how many there were.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from proxy.config.model import Config
from store.budgets.holders import Holders
from store.budgets.state import MICRO, BudgetState
from store.budgets.used import Of
from store.budgets.window import Window, window
from store.filters import Filter
from store.moments import epoch_us
from store.questions.partial import together
from store.questions.row import Json
from store.questions.stats import stats
from store.reader import Source


async def budgets(source: Source, config: Config, now: datetime, *, allowed_s: float = 1.5) -> Json:
    """{"budgets": [...], "complete", "read_back_to"}: the one of which most is used comes first.

    Each is as `BudgetState.as_json` tells it, and "usage_unknown_calls".

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    holders = Holders(config.store.data_dir, config.groups)
    holders.changed()
    sums: dict[tuple[Of, Window], Json] = {}
    told: list[Json] = []
    for holder in holders.all:
        for budget in holder.budgets:
            running = window(budget.period, epoch_us(now), ZoneInfo(config.credits.tz))
            if (asked := (holder.of, running)) not in sums:
                meant = Filter(from_us=running.start_us, to_us=running.stop_us, by=(holder.of,))
                sums[asked] = await stats(source, meant, percentiles=False, allowed_s=allowed_s)
            theirs = [row for row in sums[asked]["stats"] if row[holder.of] in holder.names]
            micro = sum(round((row["usage"] or 0) * MICRO) for row in theirs)
            stands = BudgetState(holder.of, holder.name, budget, running, micro, config.credits.warn_at)
            unknown = sum(row["usage_unknown_calls"] for row in theirs)
            told.append(stands.as_json() | {"usage_unknown_calls": unknown})
    return {"budgets": sorted(told, key=lambda one: -one["share"]), **together(list(sums.values()))}
