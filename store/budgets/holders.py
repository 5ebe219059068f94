"""Who has budgets: the groups of the configuration, and the keys of the register as it is now."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proxy.config.budget import Budget
from proxy.config.model import Group
from proxy.keys import file
from proxy.keys.key import Key
from store.budgets.used import Of

log = logging.getLogger("tollbook.store")


@dataclass(frozen=True, slots=True)
class Holder:
    """A key or a group with budgets."""

    of: Of
    name: str
    budgets: tuple[Budget, ...]
    former_names: tuple[str, ...] = ()  # its older rows go by these

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which it used something."""
        return self.name, *self.former_names


class Holders:
    """Looks at the register's file; one that cannot be read changes nothing."""

    def __init__(self, data_dir: Path, groups: Mapping[str, Group]) -> None:
        self._path = data_dir / file.FILE
        self._groups = tuple(Holder("group", one.name, one.budgets) for one in groups.values() if one.budgets)
        self._seen: tuple[int, int, int] | None = None
        self._trouble = False
        self.all = self._groups

    def changed(self) -> bool:
        """Look; whether budgets, or names of those who have them, are others than before."""
        try:
            about = os.stat(self._path)
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen == self._seen:
                return False
            keys = file.read(self._path)
        except FileNotFoundError:
            return False
        except (OSError, file.Unreadable) as problem:
            if not self._trouble:
                self._trouble = True
                log.warning("%s cannot be read (%s); the budgets known before stay", self._path, problem)
            return False
        self._seen, self._trouble = seen, False
        before, self.all = self.all, (*self._groups, *map(_holder, (key for key in keys if _has_budgets(key))))
        return self.all != before


def _has_budgets(key: Key) -> bool:
    return bool(key.budgets) and not key.deleted


def _holder(key: Key) -> Holder:
    return Holder("key", key.name, key.budgets, key.former_names)
