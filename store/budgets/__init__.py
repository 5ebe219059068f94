"""What keys and groups have used of their budgets: counted from the book, raised by every batch, told to the workers.

`Budgets` belongs to the thread that fills the book; what it says of them may be read from any thread.
"""

from store.budgets.budgets import Budgets
from store.budgets.state import BudgetState

__all__ = ["BudgetState", "Budgets"]
