"""Tells one receiver of budgets that are nearly used or used up: signed messages, once each, tried for a day.

Works in the store's loop beside the answering. The thread that fills the book knows nothing of it: how budgets stand is
looked at once a second.
"""

from store.webhook.standing import Standing
from store.webhook.work import telling

__all__ = ["Standing", "telling"]
