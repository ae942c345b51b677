"""The format of all error responses, and the status code of each exception class."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from ray.exceptions import RayError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from rfuav_ray.api.responses import ErrorResponse, FieldError
from rfuav_ray.api.validation_messages import field_of, given_text, message_of
from rfuav_ray.errors import (
    InvalidInput,
    PathNotAllowed,
    RfuavError,
    ServiceBusy,
    TaskConflict,
    TaskFileNotFound,
    TaskNotFound,
)
from rfuav_ray.events import clean
from rfuav_ray.tasks import now
from serve_app.access.refusals import Refusal

logger = logging.getLogger(__name__)

#: HAProxy answers in its own words where it has no whole head of a request
_OF_HAPROXY: dict[str, Any] = {"content": {"text/html": {}}}
#: for the OpenAPI schema
ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorResponse, "description": meaning} | (_OF_HAPROXY if code in {400, 408} else {})
    for code, meaning in {
        400: "not a request of HTTP, or a head of more than 16 KiB",
        401: "no or wrong key",
        403: "a path outside DATA_ROOTS, too small a scope of the key, or a write of another origin's page",
        408: "the request did not arrive in time",
        413: "body too large",
        421: "`Host` is no name of this service; see ALLOWED_HOSTS",
        422: "a field is wrong; `errors` lists fields and reasons",
        429: "too many wrong keys or event streams of one address; see Retry-After",
        503: "queue full, starting or stopping; see Retry-After",
    }.items()
}
UNKNOWN_TASK: dict[int | str, dict[str, Any]] = {404: {"model": ErrorResponse, "description": "unknown task"}}
WRONG_STATE: dict[int | str, dict[str, Any]] = {
    409: {
        "model": ErrorResponse,
        "description": "not possible in the task's state, the id is in use, or see `on_existing`",
    }
}

#: of a route that sends a file. Without a schema: some are JSON, and more are not
_FILE: dict[str, Any] = {"*/*": {}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": _FILE},
    206: {"description": "the part that the Range header asks for", "content": _FILE},
    416: {"model": ErrorResponse, "description": "the file has nothing of what the Range header asks for"},
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "an ETag of `If-None-Match` is current"}}


def error_response(
    code: int, message: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Build an error response in the API's error format."""
    body = ErrorResponse(message=message, detail=message, errors=list(errors), timestamp=now()).model_dump()
    # The message may contain a file name that is not UTF-8. `clean` writes its invalid bytes as \udc… escapes.
    text = clean(json.dumps(body, ensure_ascii=False, default=_as_text))
    return Response(text, code, headers=headers, media_type="application/json")


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def add_error_handlers(app: FastAPI) -> None:
    """Give every error response the API's format, also for an error that is a bug."""
    app.add_exception_handler(RfuavError, _handled)
    app.add_exception_handler(RayError, _handled)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _handled)


def answer_to(error: Exception) -> Response:
    """Build the response that a client gets for this error."""
    if isinstance(error, RayError):
        logger.warning("an actor does not answer", exc_info=error)
        error = ServiceBusy("An actor of the service does not answer; it may be restarting. Try again.", 2)
    if isinstance(error, InvalidInput):
        code = 403 if isinstance(error, PathNotAllowed) else 422
        return error_response(code, str(error), [FieldError(field=error.field, message=error.reason)])
    if isinstance(error, (TaskNotFound, TaskFileNotFound)):
        return error_response(404, str(error))
    if isinstance(error, Refusal):
        return error_response(error.code, str(error), headers=error.headers())
    if isinstance(error, TaskConflict):
        return error_response(409, str(error))
    if isinstance(error, ServiceBusy):
        return error_response(503, str(error), headers={"Retry-After": str(error.retry_after_s)})
    logger.error("unexpected error in a request", exc_info=error)
    return error_response(500, "Internal error. See the log of the service.")


async def _handled(_request: Request, error: Exception) -> Response:
    return answer_to(error)


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [_problem(entry) for entry in error.errors()]
    message = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
    return error_response(422, message, problems)


def _problem(entry: Mapping[str, Any]) -> FieldError:
    if entry["type"] == "json_invalid":
        reason = entry.get("ctx", {}).get("error", "")
        return FieldError(field="body", message=f"not valid JSON: {reason} at character {entry['loc'][-1]}")
    # The first element names the location: body, query or path.
    field = field_of(entry, skip=1) or str(entry["loc"][0])
    given = given_text(entry)
    return FieldError(field=field, message=f"{message_of(entry)} (given: {given})" if given else message_of(entry))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # FastAPI raises it for JSON that Python does not parse, and does not say why
        reason = "not valid JSON: not UTF-8, nested too deeply, or a number with too many digits."
        problem = FieldError(field="body", message=reason)
        return error_response(422, f"body: {problem.message}", [problem])
    messages = {404: "There is no such route; see /docs.", 405: "This route has no such method; see /docs."}
    message = messages.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods(request)):
        headers["Allow"] = methods
    return error_response(error.status_code, message, headers=headers)


def _methods(request: Request) -> str:
    """The methods of a path. Starlette names those of one route alone: a path may have several."""
    paths: dict[str, Any] = request.app.openapi()["paths"]
    found = [path for path in paths if compile_path(path)[0].match(request.scope["path"])]
    # `/training/start` is also a `/training/{task_id}`.
    nearest = min(found, key=lambda path: path.count("{"), default=None)
    return ", ".join(sorted(method.upper() for method in paths[nearest])) if nearest else ""
