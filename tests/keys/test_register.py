"""The register of keys: what can be done to them, and that the file is always whole and nobody else's."""

import json
import multiprocessing
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.config.budget import Budget
from proxy.keys import file
from proxy.keys.key import Key
from proxy.keys.register import NotDone, Register
from proxy.keys.secret import digest

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """A register in a directory that does not exist yet."""
    return Register(tmp_path / "data", lambda: NOON)


def test_a_new_key_is_kept_without_its_secret(register: Register, tmp_path: Path) -> None:
    """Everything about a key is read back as it was given, and its secret is in no file."""
    key, secret = register.create(
        "laptop", "lab", expires_at=NOON + timedelta(days=90), models=("gpt-4o*",), upstreams=("openai",),
        budgets=(Budget(Decimal("0.000001"), "day"), Budget(Decimal(50000), "month")), per_minute=60, concurrent=4,
    )  # fmt: skip
    assert register.keys() == (key,)
    assert (key.kind, key.digest, key.created_at) == ("issued", digest(secret), NOON)
    assert key.budgets == (Budget(Decimal("0.000001"), "day"), Budget(Decimal(50000), "month"))
    written = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert secret.encode() not in written
    assert secret[3:].encode() not in written


def test_the_files_are_their_owners_alone(register: Register, tmp_path: Path) -> None:
    """Directory 0700, files 0600, whatever the umask; nothing is left beside them."""
    register.create("laptop", "lab")
    data = tmp_path / "data"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()} == {
        file.FILE: 0o600, file.LOCK: 0o600,
    }  # fmt: skip
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_the_life_of_a_key(register: Register) -> None:
    """Each change alters what it says and nothing else."""
    made, first = register.create("laptop", "lab", per_minute=5)
    assert register.disable("laptop").state(NOON) == "disabled"
    assert register.enable("laptop") == made
    assert register.move("laptop", "home").group == "home"
    key, second = register.rotate("laptop", timedelta(hours=2))
    assert (key.digest, key.previous_digest) == (digest(second), digest(first))
    assert key.previous_until == NOON + timedelta(hours=2)
    key = register.rename("laptop", "desk")
    assert (key.name, key.former_names, key.digest) == ("desk", ("laptop",), digest(second))
    key = register.limit("desk", per_minute=None, models=("a",))
    assert (key.per_minute, key.models, key.group) == (None, ("a",), "home")
    assert register.delete("desk").state(NOON) == "deleted"
    (kept,) = register.keys()
    assert kept.name == "desk"


def test_a_rotation_without_overlap(register: Register) -> None:
    """The old secret is forgotten at once."""
    register.create("laptop", "lab")
    key, _ = register.rotate("laptop", timedelta(0))
    assert (key.previous_digest, key.previous_until) == (None, None)


def test_an_expired_key(register: Register) -> None:
    """A key is valid until the moment it expires."""
    key, _ = register.create("laptop", "lab", expires_at=NOON)
    assert key.state(NOON - timedelta(microseconds=1)) == "active"
    assert key.state(NOON) == "expired"


WRONG: list[tuple[str, Callable[[Register], object], str]] = [
    ("taken", lambda register: register.create("a", "g"), "There is a key a already"),
    ("deleted name", lambda register: register.create("gone", "g"), "There was a key gone already"),
    ("former name", lambda register: register.create("old", "g"), "old is what new was called before"),
    ("unknown", lambda register: register.disable("nobody"), "There is no key nobody."),
    ("deleted", lambda register: register.enable("gone"), "The key gone is deleted."),
    ("rename to taken", lambda register: register.rename("a", "new"), "There is a key new already"),
    ("rename to former", lambda register: register.rename("a", "old"), "old is what new was called before"),
    ("rotate a named one", lambda register: register.rotate("phone"), "can only be changed there"),
    ("named twice", lambda register: register.name("1a2b3c4d-wxyz", "other", "g"), "is called phone already"),
]


@pytest.mark.parametrize(("do", "sentence"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_cannot_be_done(register: Register, do: Callable[[Register], object], sentence: str) -> None:
    """It is refused in a sentence, and nothing changes."""
    register.create("a", "g")
    register.create("gone", "g")
    register.delete("gone")
    register.create("old", "g")
    register.rename("old", "new")
    register.name("1a2b3c4d-wxyz", "phone", "g")
    before = register.keys()
    with pytest.raises(NotDone) as problem:
        do(register)
    assert sentence in str(problem.value)
    assert register.keys() == before


def test_a_name_may_come_back(register: Register) -> None:
    """A key may be called again what it was called before; its names so far stay its own."""
    register.create("laptop", "lab")
    register.rename("laptop", "desk")
    key = register.rename("desk", "laptop")
    assert (key.name, key.former_names) == ("laptop", ("desk",))


def test_a_credential_may_be_named_again_after_its_name_was_deleted(register: Register) -> None:
    """Deleting the name of a passed-through credential frees the credential, not the name."""
    register.name("1a2b3c4d-wxyz", "phone", "g")
    register.delete("phone")
    assert register.name("1a2b3c4d-wxyz", "phone2", "g").digest == "1a2b3c4d-wxyz"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is damaged"),
        (b"{", "is damaged"),
        (b'{"version":1,"keys":[{}]}', "is damaged"),
        (b'{"version":2,"keys":[],"more":1}', "another version"),
    ],
)
def test_a_damaged_register_is_left_alone(register: Register, tmp_path: Path, content: bytes, sentence: str) -> None:
    """What cannot be read is never written over."""
    register.create("laptop", "lab")
    path = tmp_path / "data" / file.FILE
    path.write_bytes(content)
    for do in (register.keys, lambda: register.create("other", "lab")):
        with pytest.raises(NotDone, match=sentence):
            do()
    assert path.read_bytes() == content


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    """Trouble with the disk is a sentence that names the place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotDone, match=str(tmp_path / "file")):
        Register(tmp_path / "file" / "data").create("laptop", "lab")


def _create(data_dir: Path, name: str) -> None:
    register = Register(data_dir)
    for number in range(10):
        register.create(f"{name}-{number}", "lab")


def test_changes_of_several_processes_all_happen(tmp_path: Path) -> None:
    """Processes that change the register at the same time lose nothing of each other."""
    spawn = multiprocessing.get_context("spawn")
    running = [spawn.Process(target=_create, args=(tmp_path, f"p{number}")) for number in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join(60)
        assert one.exitcode == 0
    assert len(Register(tmp_path).keys()) == 40


def test_the_register_can_be_read_by_people(register: Register, tmp_path: Path) -> None:
    """It is JSON with a version, a key a time, and only what differs from the usual."""
    register.create("laptop", "lab", budgets=(Budget(Decimal(5), "total"),))
    document = json.loads((tmp_path / "data" / file.FILE).read_text())
    assert document["version"] == 1
    (key,) = document["keys"]
    assert set(key) == {"name", "group", "kind", "digest", "created_at", "budgets"}
    assert key["budgets"] == [{"credits": "5", "period": "total"}]


def test_a_key_prints_no_secret(register: Register) -> None:
    """What a key prints of itself does not let anybody in."""
    key, secret = register.create("laptop", "lab")
    assert isinstance(key, Key)
    assert secret not in repr(key)
