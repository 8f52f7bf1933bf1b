"""Why a server gave no answer: whether to ask again, and what to tell a person."""

from typing import TYPE_CHECKING, Any

from cai_core.models.gate import LONGEST_WAIT, asked_wait
from cai_core.settings import Endpoint

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import APIStatusError

AGAIN = (408, 409, 429)  # and all from 500 on: may go well the next time


def kind(status: int) -> "type[APIStatusError]":
    import openai

    kinds: dict[int, type[APIStatusError]] = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        422: openai.UnprocessableEntityError,
        429: openai.RateLimitError,
    }
    return kinds.get(status, openai.InternalServerError if status >= 500 else openai.APIStatusError)


def said(response: "Response") -> str:
    """What a refusal says of itself."""
    try:
        row = response.json()
    except ValueError:
        return response.text
    error = row.get("error", row) if isinstance(row, dict) else row
    return str(error.get("message", error) if isinstance(error, dict) else error)


def may_help(error: Exception) -> bool:
    """Whether the same request may go well a little later."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return True
    headers, status = error.response.headers, error.status_code
    if (asked_wait(headers) or 0) > LONGEST_WAIT or headers.get("x-should-retry") == "false":
        return False
    return status in AGAIN or status >= 500


def sentence(error: Exception, endpoint: Endpoint, model: str) -> str:
    """What went wrong, and what to do, for a person."""
    import openai
    from httpx2 import InvalidURL

    tries = f"after {endpoint.retries + 1} tries" if endpoint.retries else "at once"
    told = getattr(error, "message", "") or str(error)
    if isinstance(error, openai.APIStatusError):
        told = said(error.response)
    why = " ".join(told.split())[:200]
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            where = f"${endpoint.key_variable}" if endpoint.key_variable else "its key_variable"
            return f"refused the key ({error.status_code}); check {where}"
        case openai.NotFoundError():
            return f"knows no model '{model}' at {endpoint.base_url} (404); check both: {why}"
        case openai.RateLimitError():
            return _limited(error, tries, why)
        case openai.APITimeoutError():
            return f"gave no answer within {endpoint.timeout_s:g} s; raise its timeout_s, or wait"
        case openai.APIConnectionError() if _broke_off(error):
            return f"broke off in the middle of an answer {tries}; is something wrong in its log?"
        case openai.APIConnectionError() | InvalidURL():
            return f"cannot be reached at {endpoint.base_url}; is the server running?"
        case openai.InternalServerError():
            return f"failed {tries} ({error.status_code}): {why}"
        case openai.APIStatusError():
            return f"refused the request ({error.status_code}): {why}"
        case openai.APIError():
            return f"reported an error: {why}"
        case _:
            return f"answered with something that cannot be read: {why}"


def _limited(error: Any, tries: str, why: str) -> str:
    asked = asked_wait(error.response.headers) or 0
    if asked > LONGEST_WAIT:
        return (
            f"asks to wait {asked:,.0f} s (429), and {LONGEST_WAIT:,.0f} s is the most that is"
            f" waited; start again then: {why}"
        )
    if error.response.headers.get("x-should-retry") == "false":
        return f"answers no more (429): {why}"
    return f"still has too many requests {tries} (429); lower its concurrency, or wait"


def _broke_off(error: Exception) -> bool:
    from httpx2 import ReadError, RemoteProtocolError

    return isinstance(error.__cause__, ReadError | RemoteProtocolError)
