"""`tollbook keys`: what it prints, and what it does to the register. Nothing need be running."""

import json
from pathlib import Path

import pytest

from proxy.keys.key import Key
from proxy.keys.register import Register
from proxy.keys.secret import digest, well_formed
from tests.cli.conftest import Run


def kept(data_dir: Path) -> dict[str, Key]:
    """The keys by name."""
    found = Register(data_dir).keys()
    return {key.name: key for key in found}


def test_a_secret_is_the_last_line_alone(run: Run, tmp_path: Path) -> None:
    """`keys create` works before anything was served, and stdout is the secret and nothing else."""
    made = run("keys", "create", "laptop", "--group", "lab", "--data-dir", tmp_path / "new")
    assert made.status == 0
    assert well_formed(made.out.removesuffix("\n"))
    assert made.out.strip() not in made.err
    key = kept(tmp_path / "new")["laptop"]
    assert (key.group, key.digest) == ("lab", digest(made.out.strip()))


def test_everything_a_key_may_be_given(run: Run, tmp_path: Path) -> None:
    """Every option is kept, repeated ones in order."""
    ran = run(
        "keys", "create", "laptop", "--group", "lab", "--budget", "50000/month", "--budget", "7", "--expires", "90d",
        "--models", "gpt-4o*", "--models", "o3", "--upstreams", "openai", "--per-minute", 60, "--concurrent", 4,
        "--data-dir", tmp_path,
    )  # fmt: skip
    assert ran.status == 0
    key = kept(tmp_path)["laptop"]
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days in (89, 90)
    assert [str(budget) for budget in key.budgets] == ["50000/month", "7/total"]
    assert (key.models, key.upstreams, key.per_minute, key.concurrent) == (("gpt-4o*", "o3"), ("openai",), 60, 4)


def test_the_life_of_a_key(run: Run, tmp_path: Path) -> None:
    """disable, enable, move, rename, rotate and delete do what they say."""
    place = ("--data-dir", tmp_path)
    first = run("keys", "create", "laptop", "--group", "lab", *place).out.strip()
    assert run("keys", "disable", "laptop", *place).status == 0
    assert kept(tmp_path)["laptop"].disabled
    assert run("keys", "enable", "laptop", *place).status == 0
    assert not kept(tmp_path)["laptop"].disabled
    assert run("keys", "move", "laptop", "--group", "home", *place).status == 0
    assert run("keys", "rename", "laptop", "desk", *place).status == 0
    turned = run("keys", "rotate", "desk", *place)
    assert well_formed(turned.out.removesuffix("\n"))
    key = kept(tmp_path)["desk"]
    assert (key.group, key.digest, key.previous_digest) == ("home", digest(turned.out.strip()), digest(first))
    assert key.previous_until is not None
    assert run("keys", "rotate", "desk", "--overlap", 0, *place).status == 0
    assert kept(tmp_path)["desk"].previous_digest is None
    assert run("keys", "delete", "desk", *place).status == 0
    assert kept(tmp_path)["desk"].deleted
    assert run("keys", "name", "1a2b3c4d-wxyz", "phone", "--group", "family", *place).status == 0
    assert (kept(tmp_path)["phone"].kind, kept(tmp_path)["phone"].group) == ("named", "family")


def test_bounds_can_be_changed(run: Run, tmp_path: Path) -> None:
    """`keys limit` replaces what is given, takes away what is `none`, and leaves the rest."""
    place = ("--data-dir", tmp_path)
    run("keys", "create", "laptop", "--budget", "5/day", "--models", "a", "--per-minute", 6, "--expires", "9d", *place)
    before = kept(tmp_path)["laptop"]
    options = ("--budget", "7/week", "--models", "none", "--per-minute", "none", "--concurrent", 3)
    assert run("keys", "limit", "laptop", *options, *place).status == 0
    key = kept(tmp_path)["laptop"]
    assert ([str(budget) for budget in key.budgets], key.models, key.per_minute, key.concurrent) == (
        ["7/week"], (), None, 3,
    )  # fmt: skip
    assert (key.expires_at, key.digest) == (before.expires_at, before.digest)
    assert run("keys", "limit", "laptop", "--expires", "none", *place).status == 0
    assert kept(tmp_path)["laptop"].expires_at is None
    assert run("keys", "limit", "laptop", *place).status == 2
    for bounds in (("none", "5"), ("5", "none"), ("none", "none")):
        wrong = run("keys", "limit", "laptop", *(word for one in bounds for word in ("--budget", one)), *place)
        assert (wrong.status, "none takes away what there is, so it stands alone" in wrong.err) == (2, True)
    assert kept(tmp_path)["laptop"].budgets == key.budgets
    assert run("keys", "create", "none", "--budget", "none", *place).status == 0
    assert kept(tmp_path)["none"].budgets == ()


def test_the_list_shows_all_but_secrets(run: Run, tmp_path: Path) -> None:
    """The table and its JSON say everything about each key, and nothing made of its secret."""
    place = ("--data-dir", tmp_path)
    secret = run("keys", "create", "laptop", "--group", "lab", "--budget", "5/day", *place).out.strip()
    run("keys", "name", "1a2b3c4d-wxyz", "phone", *place)
    run("keys", "disable", "phone", *place)
    table, document = run("keys", "list", *place), run("keys", "list", "--json", *place)
    heading, laptop, phone = table.out.splitlines()
    assert heading.split() == [
        "Name", "Group", "Kind", "State", "Models", "Upstreams", "Budgets", "Limits", "Created", "Expires",
    ]  # fmt: skip
    assert laptop.split()[:7] == ["laptop", "lab", "issued", "active", "any", "any", "5/day"]
    assert phone.split()[:4] == ["phone", "default", "named", "disabled"]
    rows = json.loads(document.out)["keys"]
    assert [(row["name"], row["state"]) for row in rows] == [("laptop", "active"), ("phone", "disabled")]
    assert rows[0]["budgets"] == [{"credits": "5", "period": "day"}]
    for text in (table.out, document.out):
        assert secret[3:20] not in text
        assert digest(secret)[:8] not in text


def test_an_empty_list(run: Run, tmp_path: Path) -> None:
    """Without keys the list says how to make one, and makes nothing itself."""
    ran = run("keys", "list", "--data-dir", tmp_path / "none")
    assert (ran.status, ran.out) == (0, "")
    assert "tollbook keys create" in ran.err
    assert json.loads(run("keys", "list", "--json", "--data-dir", tmp_path / "none").out) == {"keys": []}
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["create"], ["create", "a b"], ["create", "tb-secret"], ["create", "a", "--group", "a/b"],
        ["create", "a", "--budget", "5/year"], ["create", "a", "--budget", "5/day", "--budget", "6/day"],
        ["create", "a", "--expires", "soon"], ["create", "a", "--expires", "2020-01-01"],
        ["create", "a", "--models", ""], ["create", "a", "--upstreams", "opnai"], ["create", "a", "--per-minute", "0"],
        ["create", "a", "--concurrent", "many"], ["rotate", "a", "--overlap", "long"], ["move", "a"],
        ["rename", "a"], ["rename", "a", "b c"], ["name", "a", "b"], ["name", "1a2b3c4d-wxyz", "1a2b3c4d-wxya"],
        ["nothing"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_use(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    """Wrong use is status 2 and one sentence, and changes nothing."""
    ran = run("keys", *arguments, *(["--data-dir", tmp_path / "d"] if len(arguments) > 1 else []))
    assert ran.status == 2
    assert ran.err.startswith("tollbook: ")
    assert ran.err.count("\n") == 1
    assert ran.out == ""
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    "arguments",
    [["disable", "nobody"], ["rotate", "nobody"], ["rename", "nobody", "b"], ["create", "taken"], ["delete", "gone"]],
    ids=" ".join,
)
def test_what_cannot_be_done(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    """What cannot be done is status 1 and one sentence."""
    Register(tmp_path).create("taken", "g")
    Register(tmp_path).create("gone", "g")
    Register(tmp_path).delete("gone")
    ran = run("keys", *arguments, "--data-dir", tmp_path)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("tollbook: There" if arguments[1] != "gone" else "tollbook: The key gone is deleted.")
    assert ran.err.count("\n") == 1
