"""What Prometheus is told: counts of calls since this process began, and how the book stands now.

Labels are bounded: upstreams, types, outcomes and groups are few by nature; models are named by clients, so all but the
first few hundred are counted as "other". There is no label for keys, users, sessions or addresses.
"""

from store.metrics.page import Metrics

__all__ = ["Metrics"]
