"""The catalogue of anomalies: nothing is noted that is not in it, and everything in it can be noted."""

from typing import get_args, get_type_hints

import pytest

from store.anomalies import CATALOGUE, Anomalies, Anomaly
from store.call import Call, Reading
from store.dialects.answer import Answer, Counted
from store.dialects.decoding import Decoded


def test_the_catalogue_explains_every_name() -> None:
    """Each name has one sentence, which says what to do behind its colon."""
    assert set(CATALOGUE) == set(get_args(Anomaly))
    for sentence in CATALOGUE.values():
        meaning, colon, advice = sentence.partition(": ")
        assert colon
        assert min(len(meaning), len(advice)) > 20
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0


@pytest.mark.parametrize("carrier", [Reading, Call, Counted, Decoded])
def test_whatever_carries_anomalies_carries_those_of_the_catalogue(carrier: type) -> None:
    """The type of every field that holds anomalies names the catalogue's, so that the type checker finds any other."""
    assert get_type_hints(carrier)["anomalies"] == Anomalies
    assert get_type_hints(Answer)["anomalies"] == list[Anomaly]
