"""When the index waits for a quieter time: by the growth of the book, on a clock of the test's own."""

from store.search.coming import Coming


def test_a_rush_is_waited_out() -> None:
    """Many calls a second are a rush; it is over when few come, whatever is still unread."""
    coming = Coming(now=10.0)
    coming.look(10.5, last=1_000, indexed=1_000)
    assert not coming.fast  # nobody knows yet when these came
    coming.look(11.0, last=1_100, indexed=1_000)
    assert coming.fast
    coming.look(11.2, last=1_101, indexed=1_000)
    assert coming.fast  # too soon to tell
    coming.look(11.6, last=1_120, indexed=1_000)
    assert not coming.fast


def test_a_trickle_is_no_rush() -> None:
    """What a few people cause does not keep the index waiting."""
    coming = Coming(now=0.0)
    for second in range(1, 100):
        coming.look(second, last=second * 50, indexed=second * 50 - 20)
        assert not coming.fast


def test_a_rush_without_end_does_not_stop_the_index() -> None:
    """After a minute behind, the index goes on until it has seen everything."""
    coming = Coming(now=0.0)
    waited = []
    for second in range(1, 120):
        coming.look(second, last=second * 1_000, indexed=0)
        waited.append(coming.fast)
    assert all(waited[1:59])
    assert not any(waited[61:])
    coming.look(120, last=120_000, indexed=120_000)
    coming.look(121, last=121_000, indexed=120_000)
    assert coming.fast
