"""Every oddity that a row may carry, by name: what it means, and what to do about it.

An invariant that does not hold is recorded, never repaired in silence and never a reason to lose the row. A name is a
promise to whoever filters by it: it keeps its meaning, and stays here once a book may hold it. Nothing else is an
anomaly: how a call ended is told by its outcome, its status and its error.
"""

from typing import Final, Literal

Anomaly = Literal[
    "no_usage", "no_terminator", "broken_json", "odd_usage", "odd_count", "negative_count",
    "cached_over_input", "parts_over_total", "total_mismatch", "model_family_mismatch",
    "undecodable_body", "broken_frames", "decompression_bomb", "told_in_part", "unreadable", "usage_by_fallback_rate",
    "budget_nearly_used", "already_counted", "price_modifier_unknown", "billed_beside", "bodies_left_out",
]  # fmt: skip
Anomalies = tuple[Anomaly, ...]

CATALOGUE: Final[dict[str, str]] = {
    "no_usage": (
        "The stream ended without telling its usage, so what is known of its tokens is estimated: have the client ask "
        'for it (stream_options.include_usage), or set stream_usage = "ask" for the upstream.'
    ),
    "no_terminator": (
        "The stream ended in order, but without a finish reason or the event that ends such a stream, so the answer "
        "may be cut short: look at its end, and whether a gateway before the upstream limits how long one may take."
    ),
    "broken_json": (
        "The answer is JSON that does not reach its own end or breaks off in between, so what could be read of it is "
        "all that is known: look at the body, and at what stands between here and the upstream."
    ),
    "odd_usage": (
        "The usage told is no object that can be read, and was left out: the body has it as it came; tell the "
        "provider, or us if its format is new."
    ),
    "odd_count": (
        "A count told is no whole number (a fraction, a text, or larger than any count), and was left out unless it "
        "stands for one: compare the provider's own usage on the call's page."
    ),
    "negative_count": (
        "A count told is below zero, and was left out: compare the provider's own usage on the call's page, and do "
        "not rely on the tokens and the cost of this call."
    ),
    "cached_over_input": (
        "More tokens were told to be read from a cache than went in at all; they were taken as all of the input: "
        "the cost may be too low, so compare it with the provider's bill."
    ),
    "parts_over_total": (
        "Parts were told to be larger than the whole they belong to, and were cut down to it: totals are as told, but "
        "do not rely on the parts."
    ),
    "total_mismatch": (
        "The total told is not the sum of the counts told with it; the counts were kept: compare the provider's bill, "
        "and tell us if its total is the one that is charged."
    ),
    "model_family_mismatch": (
        "A model of another family answered than was asked for, as when a router fell back or a deployment has a "
        "wrong name: the cost is by the model that answered; check what the client or gateway is set to."
    ),
    "undecodable_body": (
        "A body was compressed in a way that could not be undone, wholly or in part: the client got it unchanged, but "
        "counts may be missing; see its Content-Encoding."
    ),
    "broken_frames": (
        "Some of the binary frames of the stream were damaged and were left out, the others were read: look at what "
        "stands between here and AWS, for the client got the same."
    ),
    "decompression_bomb": (
        "A compressed body would have grown beyond all bounds, so only its beginning was read: find out who sends it."
    ),
    "told_in_part": (
        "Some notes of what this session told on its way are lost, as on a damaged disk, so its tokens and its cost "
        "are too low: look at the health page, and at the disk."
    ),
    "unreadable": (
        "This call could not be understood, and is written with what is known without its bodies: please report it "
        "with the body, because this is a mistake in Tollbook."
    ),
    "usage_by_fallback_rate": (
        "Nobody knows what this call cost, so its usage is counted by the rate its group has for that: give the model "
        "a price in [[prices]]."
    ),
    "budget_nearly_used": (
        "With this call the warned share of a budget of its key or group was used: raise the budget, or expect "
        "refusals when it is used up."
    ),
    "already_counted": (
        "A response that was made in the background was asked for again; what it took is on the call that was told "
        "first, so this one is charged nothing: there is nothing to do."
    ),
    "price_modifier_unknown": (
        "It was served at a tier, in a region, with a credit or with tools that change the price, and no list says "
        "how, so the cost is that of the list: give the model its price there in [[prices]], which has a key for the "
        "tier."
    ),
    "billed_beside": (
        "A tool was used that the provider may charge for beside the tokens (Google Maps, the container of a code "
        "interpreter), and no list has a rate for it, so the cost may be too low by that: look up its "
        "fee, which comes on top."
    ),
    "bodies_left_out": (
        "The disk was nearly full or could not be written, so the request or the answer of this call is not kept, or "
        "only its ends, and its tokens may be unknown: make room, and see on the health page whether it is enough."
    ),
}
"""What each means, and what to do, in one sentence."""
