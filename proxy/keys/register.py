"""The register of keys: everything that can be done to them, for the command line and the page alike.

Every change is on the disk when its function returns, and in every worker within a second (`proxy/keys/keyring.py`).
Names are never given twice, not even those of deleted or renamed keys: the rows of the book go by them.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from proxy.config.budget import Budget
from proxy.keys import file
from proxy.keys.key import Key
from proxy.keys.secret import digest, new_secret

T = TypeVar("T")
_Keys = dict[str, Key]

OVERLAP = timedelta(hours=24)
"""How long the old secret of a rotated key stays valid, unless told otherwise."""


class NotDone(Exception):
    """What was asked of the register cannot be done; why, in one sentence."""


class NameTaken(NotDone):
    """It cannot be done under this name."""


class Register:
    """The keys of one data directory. Its methods wait for the disk and for each other: not for an event loop."""

    def __init__(self, data_dir: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._data_dir = data_dir
        self._path = data_dir / file.FILE
        self._now = now

    def keys(self) -> tuple[Key, ...]:
        """All keys, in the order in which they were made, deleted ones too.

        Raises:
            NotDone: the register cannot be read.
        """
        try:
            return file.read(self._path)
        except FileNotFoundError:
            return ()
        except file.Unreadable as problem:
            raise NotDone(f"{self._path} {problem}.") from None
        except OSError as error:
            raise NotDone(f"{self._path} cannot be read: {error.strerror}.") from error

    def create(
        self,
        name: str,
        group: str,
        *,
        expires_at: datetime | None = None,
        models: tuple[str, ...] = (),
        upstreams: tuple[str, ...] = (),
        budgets: tuple[Budget, ...] = (),
        per_minute: int | None = None,
        concurrent: int | None = None,
    ) -> tuple[Key, str]:
        """A new key, and its secret, which is nowhere else.

        Raises:
            NotDone: the name is taken, or the register cannot be changed. So do all that follow.
        """
        secret = new_secret()

        def change(keys: _Keys) -> Key:
            _free(keys, name)
            keys[name] = Key(
                name=name, group=group, kind="issued", digest=digest(secret), created_at=self._now(),
                expires_at=expires_at, models=models, upstreams=upstreams, budgets=budgets,
                per_minute=per_minute, concurrent=concurrent,
            )  # fmt: skip
            return keys[name]

        return self._change(change), secret

    def name(self, fingerprint: str, name: str, group: str) -> Key:
        """Call a credential that is passed through by a name; its future rows bear it."""

        def change(keys: _Keys) -> Key:
            for key in keys.values():
                if key.kind == "named" and key.digest == fingerprint and not key.deleted:
                    raise NotDone(f"{fingerprint} is called {key.name} already; rename that.")
            _free(keys, name)
            keys[name] = Key(name=name, group=group, kind="named", digest=fingerprint, created_at=self._now())
            return keys[name]

        return self._change(change)

    def disable(self, name: str) -> Key:
        """Refuse it from now on."""
        return self._alter(name, lambda key: replace(key, disabled=True))

    def enable(self, name: str) -> Key:
        """Let it in again."""
        return self._alter(name, lambda key: replace(key, disabled=False))

    def move(self, name: str, group: str) -> Key:
        """Put it into another group; its future rows belong there."""
        return self._alter(name, lambda key: replace(key, group=group))

    def limit(self, name: str, **changes: object) -> Key:
        """Change what it may do: `expires_at`, `models`, `upstreams`, `budgets`, `per_minute`, `concurrent`."""
        return self._alter(name, lambda key: replace(key, **changes))

    def rotate(self, name: str, overlap: timedelta = OVERLAP) -> tuple[Key, str]:
        """A new secret; the one before stays valid for `overlap`, and any older one ends now."""
        secret = new_secret()

        def alter(key: Key) -> Key:
            if key.kind == "named":
                raise NotDone(f"{name} is a credential of the upstream; it can only be changed there.")
            until = self._now() + overlap if overlap else None
            return replace(
                key,
                digest=digest(secret),
                previous_digest=key.digest if until else None,
                previous_until=until,
            )

        return self._alter(name, alter), secret

    def rename(self, name: str, new: str) -> Key:
        """Call it otherwise; its rows so far keep the old name, which stays taken."""

        def change(keys: _Keys) -> Key:
            key = _living(keys, name)
            if new in key.former_names:
                key = replace(key, former_names=tuple(one for one in key.former_names if one != new))
            else:
                _free(keys, new)
            renamed = replace(key, name=new, former_names=(*key.former_names, name))
            in_order = [renamed if one.name == name else one for one in keys.values()]
            keys.clear()
            keys.update((one.name, one) for one in in_order)
            return renamed

        return self._change(change)

    def delete(self, name: str) -> Key:
        """Refuse it for ever, or forget the name of a credential that is passed through; its rows keep the name."""
        return self._alter(name, lambda key: replace(key, deleted=True, previous_digest=None, previous_until=None))

    def _alter(self, name: str, alter: Callable[[Key], Key]) -> Key:
        def change(keys: _Keys) -> Key:
            keys[name] = alter(_living(keys, name))
            return keys[name]

        return self._change(change)

    def _change(self, change: Callable[[_Keys], T]) -> T:
        try:
            with file.locked(self._data_dir):
                keys = {key.name: key for key in self.keys()}
                done = change(keys)
                file.replace(self._path, tuple(keys.values()))
                return done
        except OSError as error:
            raise NotDone(f"{error.filename or self._path} cannot be written: {error.strerror}.") from error


def _living(keys: _Keys, name: str) -> Key:
    key = keys.get(name)
    if key is None:
        raise NotDone(f"There is no key {name}.")
    if key.deleted:
        raise NotDone(f"The key {name} is deleted.")
    return key


def _free(keys: _Keys, name: str) -> None:
    for key in keys.values():
        if name == key.name:
            raise NameTaken(f"There {'was' if key.deleted else 'is'} a key {name} already; take another name.")
        if name in key.former_names:
            raise NameTaken(f"{name} is what {key.name} was called before; take another name.")
