"""The description of the query endpoint, as /api/openapi.json tells it. A test holds it to the routes."""

from typing import Any, Final

from store.anomalies import CATALOGUE
from store.api import shapes
from store.api.insight_shapes import INSIGHT_SCHEMAS
from store.api.session import COOKIE
from store.export import EXPORTING, FORMATS, MEDIA_TYPES
from store.filters import BY, FILTERS, GROUPING, MAX_LIMIT, ORDERS, PAGING, SORTS
from store.moments import WRITTEN
from store.questions.scatter import MOST_POINTS, POINTS

_Json = dict[str, Any]

_WORDS = "Repeat it for any of several; `*` matches any run of characters; a leading `!` excludes."
_SEARCH = (
    'Every word must be there, in any order; "words in quotes" as they stand; `word*` begins so; a leading `!` excludes'
    " the calls in which all of it is. Everything else is literal, upper and lower case and accents do not matter."
    " Repeat it for any of several. A call is found once it is indexed, moments after it ended; one of which no text is"
    " kept is never found."
)
_NUMBER: Final = {"type": "number", "minimum": 0}
_WHOLE: Final = {"type": "integer", "minimum": 0}

_PARAMETERS: Final[dict[str, tuple[str, _Json]]] = {
    "from": (f"Calls received at this time or later: {WRITTEN}.", {"type": "string"}),
    "to": (f"Calls received before this time: {WRITTEN}. A date includes that day.", {"type": "string"}),
    "tz": ("The IANA time zone of dates and of time groups.", {"type": "string", "default": "UTC"}),
    "model": (f"The model that answered, else the requested one. {_WORDS}", {}),
    "key": (f"The name of the key. {_WORDS}", {}),
    "group": (f"The group of the key. {_WORDS}", {}),
    "type": (f"The call type: chat, embedding, image, ... {_WORDS}", {}),
    "upstream": (f"The upstream's name. {_WORDS}", {}),
    "status": (f"A number (429), a class (4xx) or `error`: whatever counts as one. {_WORDS}", {}),
    "outcome": (f"How the exchange ended: completed, client_left, ... {_WORDS}", {}),
    "stream": ("Whether the answer was streamed: true or false.", {}),
    "user": (f"The user label the client sent. {_WORDS}", {}),
    "session": (f"The session label the client sent. {_WORDS}", {}),
    "request_id": (f"The provider's id of the request, or the call's own (`x-tollbook-call-id`). {_WORDS}", {}),
    "tag.NAME": (f"The tag NAME the client sent; replace NAME. {_WORDS}", {}),
    "min_duration_ms": ("This long or longer.", _NUMBER),
    "max_duration_ms": ("This long or shorter.", _NUMBER),
    "min_cost_usd": ("This expensive or more.", _NUMBER),
    "max_cost_usd": ("This expensive or less.", _NUMBER),
    "min_tokens": ("This many tokens in all, or more.", _WHOLE),
    "max_tokens": ("This many tokens in all, or fewer.", _WHOLE),
    "cost_state": (f"How the cost is known: reported, priced, estimated, free, unknown. {_WORDS}", {}),
    "anomaly": (f"The name of an oddity noted on the call: {', '.join(CATALOGUE)}. {_WORDS}", {}),
    "q": (f"Text in the request or the answer. {_SEARCH}", {}),
    "limit": ("Calls on a page.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50}),
    "cursor": ("`next` of the page before.", {"type": "string"}),
    "sort": ("What the calls are sorted by.", {"type": "string", "enum": list(SORTS), "default": "time"}),
    "order": ("Largest first or smallest first; unknown is last.", {"enum": list(ORDERS), "default": "desc"}),
    "format": ("What kind of file.", {"type": "string", "enum": list(FORMATS)}),
    "by": (f"What to group by: one of {', '.join(BY)}, or two joined by a comma.", {"type": "string"}),
}
_SEVERAL: Final = {"type": "array", "items": {"type": "string"}}  # an empty schema above: may be repeated


def _parameters(names: tuple[str, ...]) -> list[_Json]:
    return [
        {"name": name, "in": "query", "description": _PARAMETERS[name][0], "schema": _PARAMETERS[name][1] or _SEVERAL}
        for name in names
    ]


def _error(description: str) -> _Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _get(
    summary: str, answer: _Json, parameters: list[_Json] | None = None, content: str = "application/json"
) -> _Json:
    responses = {
        "200": {"description": summary, "content": {content: {"schema": answer}}},
        "400": _error("A parameter is unknown or has a wrong value; `param` names it."),
        "401": _error("The token is missing or wrong."),
        "403": _error("The host name is not allowed."),
        "429": _error("Too many wrong tokens came from this address; Retry-After says how long to wait."),
        "503": _error("The book cannot be read in time."),
    }
    return {"get": {"summary": summary, "parameters": parameters or [], "responses": responses}}


def _schema(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}


_CALL_ID: Final = {
    "name": "id", "in": "path", "required": True, "description": "The call's id.",
    "schema": {"type": "string", "format": "uuid"},
}  # fmt: skip
_LAST_EVENT_ID: Final = {
    "name": "Last-Event-ID", "in": "header", "description": "Go on after this event.", "schema": {"type": "string"},
}  # fmt: skip
_POINTS: Final = {
    "name": "limit", "in": "query", "description": "Points.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_POINTS, "default": POINTS},
}  # fmt: skip


def _call_path() -> _Json:
    path = _get("One call with everything: request, answer, arithmetic of its cost.", _schema("CallInFull"), [_CALL_ID])
    path["get"]["responses"]["404"] = _error("There is no such call.")
    return path


def _export_path() -> _Json:
    path = _get(
        "Every call of the filter as a file to keep. One that broke off ends with the connection.", {},
        [*_parameters((*FILTERS, *EXPORTING))],
    )  # fmt: skip
    for parameter in path["get"]["parameters"]:
        if parameter["name"] == "format":
            parameter["required"] = True
    path["get"]["responses"]["200"]["content"] = {
        media_type.partition(";")[0]: {"schema": {"$ref": "#/components/schemas/Call"} if name == "jsonl" else {}}
        for name, media_type in MEDIA_TYPES.items()
    }
    return path


DESCRIPTION: Final[_Json] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Tollbook",
        "version": "1",
        "description": "Questions about the calls in the book. Unknown is null, never 0; money is a decimal string.",
    },
    "paths": {
        "/healthz": _get("Whether this listener is alive.", {"type": "object"}),
        "/api/logs": _get("One page of calls, newest first.", _schema("Page"), _parameters((*FILTERS, *PAGING))),
        "/api/logs/{id}": _call_path(),
        "/api/stats": _get("Sums over the filter.", _schema("Stats"), _parameters((*FILTERS, *GROUPING))),
        "/api/facets": _get("The values that exist, with counts.", _schema("Facets"), _parameters(FILTERS)),
        "/api/export": _export_path(),
        "/api/overview": _get(
            "The filter's time against the time before; cache, what is uncertain, forecast of the month.",
            _schema("Overview"), _parameters(FILTERS),
        ),
        "/api/movers": _get(
            "Whose cost changed most against the time before.", _schema("Movers"), _parameters(FILTERS)
        ),
        "/api/scatter": _get(
            "The newest completed calls as points of duration and tokens, each with why it was slow.",
            _schema("Scatter"), [*_parameters(FILTERS), _POINTS],
        ),
        "/api/keys": _get("Keys: those used, those issued or named; and groups.", _schema("Keys")),
        "/api/health/care": _get("What needs care: calls without a price, anomalies, growth.", _schema("Care")),
        "/api/tail": _get(
            "New calls of the filter, one server-sent event each: `data` is the call, `id` goes into Last-Event-ID.",
            _schema("Call"), [*_parameters(FILTERS), _LAST_EVENT_ID], "text/event-stream",
        ),
        "/api/health": _get("How the book stands. received = stored + waiting + open + lost.total.", _schema("Health")),
        "/api/openapi.json": _get("This description.", {"type": "object"}),
        "/metrics": _get("Counts since this process began, for Prometheus.", {"type": "string"}, [], "text/plain"),
    },
    "components": {
        "schemas": {**shapes.SCHEMAS, **INSIGHT_SCHEMAS},
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "What /login sets."},
        },
    },
    "security": [{"token": []}, {"session": []}, {}],
}  # fmt: skip
