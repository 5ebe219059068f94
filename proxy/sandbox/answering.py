"""The sandbox's pure middle: a request in, an answer out. Which dialect it is, is read from path and headers."""

from dataclasses import replace
from typing import Protocol

from proxy.sandbox import anthropic, gemini, openai
from proxy.sandbox.answer import Answer, BadRequestError, Request
from proxy.sandbox.behaviour import NO_HABITS, Behaviour, Habits, behaviour_of, misbehave


class Dialect(Protocol):
    """What each dialect's module offers."""

    def answer(self, request: Request, behaviour: Behaviour) -> Answer:
        """The answer to a request; may raise on a body of the wrong shape."""

    def error(self, request: Request, status: int, message: str | None = None) -> Answer:
        """The error of this status in the dialect's shape."""

    def error_event(self, request: Request) -> bytes:
        """What breaks a running stream."""


def answer(request: Request, habits: Habits = NO_HABITS) -> Answer:
    """The answer this request gets. Never raises: nonsense is answered with a 400."""
    dialect = _dialect(request)
    behaviour = Behaviour()
    try:
        behaviour = behaviour_of(request, habits)
        answered = _answered(dialect, request, behaviour)
    except BadRequestError as error:
        answered = dialect.error(request, 400, str(error))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # A body that is JSON but not of the expected shape; the real services name the field, we the trouble.
        answered = dialect.error(request, 400, f"Invalid request: {type(error).__name__}: {error}")
    if request.method == "HEAD":
        return replace(answered, pieces=())
    answered = misbehave(answered, behaviour, habits, dialect.error_event(request))
    if answered.wait_s is None or request.method != "POST" or answered.status >= 400:
        return answered
    return replace(answered, wait_s=answered.wait_s + habits.thinking_s * _mood(request))


def _mood(request: Request) -> float:
    """How long this one is thought about: 0.4 to 2.4 times the usual, mostly less than the middle."""
    return 0.4 + 2.0 * (request.hash() % 1000 / 1000) ** 2


def _answered(dialect: Dialect, request: Request, behaviour: Behaviour) -> Answer:
    if behaviour.status is not None:
        return dialect.error(request, behaviour.status)
    answered = dialect.answer(request, behaviour)
    if behaviour.error_in_stream and answered.length is not None:
        answered = dialect.error(request, 500)
    return answered


def _dialect(request: Request) -> Dialect:
    # Three services share /v1/models; the newer google-genai calls /v1/models/NAME:METHOD too.
    path = request.path
    if path.startswith("/v1beta/") or (path.startswith("/v1/models/") and ":" in path):
        return gemini
    if request.header("x-goog-api-key") or request.header("x-goog-api-client"):
        return gemini
    if path.startswith("/v1/messages") or request.header("anthropic-version") or request.header("x-api-key"):
        return anthropic
    return openai
