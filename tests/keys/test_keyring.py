"""The keys as a worker holds them: found by their secrets, kept when the register is in trouble."""

import logging
import os
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.keys import file
from proxy.keys.keyring import Keyring
from proxy.keys.register import Register
from proxy.keys.secret import new_secret


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """A register."""
    return Register(tmp_path)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """Its keyring, which looks when it is told to."""
    return Keyring(tmp_path)


def named(keyring: Keyring, secret: str) -> str | None:
    found = keyring.issued(secret)
    return found[0].name if found else None


def test_keys_are_found_by_their_secrets(register: Register, keyring: Keyring) -> None:
    """Each secret finds its key and no other; the one before a rotation finds it too, with its end."""
    secrets = {f"k{number}": register.create(f"k{number}", "g")[1] for number in range(20)}
    rotated, new = register.rotate("k7", timedelta(hours=1))
    keyring.refresh()
    for name, secret in secrets.items():
        assert named(keyring, secret) == name
    assert keyring.issued(new) == (rotated, None)
    assert keyring.issued(secrets["k7"]) == (rotated, rotated.previous_until)
    assert keyring.issued(new_secret()) is None
    assert keyring.issued(rotated.digest) is None


def test_named_credentials_are_found_by_fingerprint(register: Register, keyring: Keyring) -> None:
    """A named credential is no issued key, and one whose name was deleted has none."""
    register.name("1a2b3c4d-wxyz", "phone", "g")
    keyring.refresh()
    key = keyring.named("1a2b3c4d-wxyz")
    assert key is not None
    assert key.name == "phone"
    assert keyring.named("1a2b3c4d-wxya") is None
    register.delete("phone")
    keyring.refresh()
    assert keyring.named("1a2b3c4d-wxyz") is None


@pytest.mark.parametrize("trouble", ["gone", "damaged", "newer", "directory"])
def test_trouble_changes_nothing_and_is_said_once(
    register: Register, keyring: Keyring, tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """While the register cannot be read the keys known before stay, and the log says so once for each trouble."""
    secret = register.create("laptop", "g")[1]
    keyring.refresh()
    path = tmp_path / file.FILE
    good = path.read_bytes()
    for _ in range(2):
        path.unlink()
        match trouble:
            case "damaged":
                path.write_bytes(good[:-5])
            case "newer":
                path.write_bytes(b'{"version":9}')
            case "directory":
                path.mkdir()
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                keyring.refresh()
        assert named(keyring, secret) == "laptop"
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert secret not in caplog.text
        caplog.clear()
        if path.is_dir():
            path.rmdir()
        path.write_bytes(good)
        keyring.refresh()
        assert named(keyring, secret) == "laptop"


@pytest.mark.parametrize(
    "damage",
    [
        (b"laptop", b"lap\xff\xfe"),
        (b'"keys"', b'"more": ' + b"[" * 100_000 + b', "keys"'),
        (b'"g"', b'"g", "expires_at": "2030-01-01T00:00:00"'),
        (b'"g"', b'"g", "per_minute": 0'),
        (b'"g"', b'"g", "concurrent": -1'),
        (b'"g"', b'"g", "budgets": [{"credits": "NaN", "period": "day"}]'),
        (b'"g"', b'"g", "budgets": [{"credits": "-1", "period": "day"}]'),
    ],
    ids=["no text", "nested", "time without zone", "no calls a minute", "fewer than none", "no number", "negative"],
)
def test_what_no_hand_of_ours_wrote_is_damaged(
    register: Register, keyring: Keyring, tmp_path: Path, damage: tuple[bytes, bytes]
) -> None:
    """A register that would raise when it is read, or when a call is compared with it, changes nothing."""
    secret = register.create("laptop", "g")[1]
    keyring.refresh()
    path = tmp_path / file.FILE
    path.write_bytes(path.read_bytes().replace(*damage))
    with pytest.raises(file.Unreadable):
        file.read(path)
    keyring.refresh()
    assert named(keyring, secret) == "laptop"


def test_at_the_start_there_are_none(keyring: Keyring, caplog: pytest.LogCaptureFixture) -> None:
    """Without a register there is no key and nothing to complain of."""
    keyring.refresh()
    assert keyring.issued(new_secret()) is None
    assert caplog.text == ""


def test_a_replacement_of_the_same_size_is_noticed(register: Register, keyring: Keyring, tmp_path: Path) -> None:
    """A file that differs in nothing but its place on the disk, its time forged, is read anew."""
    secret = register.create("a", "g")[1]
    keyring.refresh()
    about = (tmp_path / file.FILE).stat()
    beside = tmp_path / "beside"
    beside.write_bytes((tmp_path / file.FILE).read_bytes().replace(b'"name": "a"', b'"name": "b"'))
    os.utime(beside, ns=(about.st_atime_ns, about.st_mtime_ns))
    beside.replace(tmp_path / file.FILE)
    keyring.refresh()
    assert named(keyring, secret) == "b"
