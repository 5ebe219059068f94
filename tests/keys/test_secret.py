"""The secret of an issued key: what it looks like, and what is recognised as none."""

import re

import pytest

from proxy.keys.secret import ANYWHERE, claims_to_be_ours, digest, new_secret, well_formed


def test_a_secret_is_long_and_recognisable() -> None:
    """It is tb- and 49 letters and digits, no two alike, and as long as 32 bytes need."""
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"tb-[0-9A-Za-z]{49}", one) and well_formed(one) and claims_to_be_ours(one) for one in made)
    assert 62**43 > 2**256 > 62**42
    assert len({one[3] for one in made}) > 5  # the first letter is no constant
    assert len({one[45] for one in made}) > 50


def test_a_mistyped_letter_is_noticed() -> None:
    """A secret with one letter changed, two exchanged, one missing or one too many is none."""
    secret = new_secret()
    for place in range(3, len(secret)):
        other = "x" if secret[place] != "x" else "y"
        assert not well_formed(secret[:place] + other + secret[place + 1 :])
        assert not well_formed(secret[:place] + secret[place + 1 :])
        assert not well_formed(secret[:place] + other + secret[place:])
        if place + 1 < len(secret) and secret[place] != secret[place + 1]:
            assert not well_formed(secret[:place] + secret[place + 1] + secret[place] + secret[place + 2 :])


@pytest.mark.parametrize("text", ["", "tb-", "tb-" + "a" * 49, "sk-abc", "tb-" + "é" * 49, "tb-" + "a" * 100_000])
def test_what_is_no_secret(text: str) -> None:
    """Anything else is told apart without a look-up."""
    assert not well_formed(text)


def test_a_secret_is_found_in_a_text() -> None:
    """Wherever it stands, it can be struck out whole."""
    secret = new_secret()
    assert ANYWHERE.sub("?", f"my key: {secret}.") == "my key: ?."


def test_a_digest_is_not_its_secret() -> None:
    """What is kept is the SHA-256."""
    assert digest("tb-x") == "ea883213941107aaa436937facb81c8bd75e97f27c3f3f64445b25e98db8a8d1"
