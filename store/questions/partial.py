"""Answers made of several: complete when all of them are, else read as far as the one that read least."""

from collections.abc import Sequence

from store.questions.row import Json


def together(answers: Sequence[Json]) -> Json:
    """{"complete", "read_back_to"} of all of them."""
    ends = [answer["read_back_to"] for answer in answers if not answer.get("complete", True)]
    # One form of time, so the order of the text is that of time; the latest is where all of them have read.
    return {"complete": not ends, "read_back_to": max(ends) if ends else None}
