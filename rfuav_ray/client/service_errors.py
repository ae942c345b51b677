"""Errors between a client and the service, with messages for users."""

from typing import Any

import httpx2

from rfuav_ray.errors import RfuavError


class ServiceUnreachable(RfuavError):
    """No service answers: `ServiceUnreachable(url, reason)`."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"No service answers at {self.url} ({self.reason}). "
            "Start one with `rfuav serve`, or set its address with --url or RFUAV_URL."
        )


class ServiceError(RfuavError):
    """The service rejected a call: HTTP status code, message, detail, and for 422 `errors` [{field, message}]."""

    def __init__(self, status_code: int, message: str, detail: Any = None, errors: Any = ()) -> None:
        super().__init__(status_code, message, detail, errors)
        self.status_code = status_code
        self.message = message
        self.detail = detail
        self.errors: list[dict[str, Any]] = [
            item for item in (errors if isinstance(errors, list) else ()) if _is_field_error(item)
        ]

    def __str__(self) -> str:
        lines = [f"{item.get('field', 'request')}: {item['message']}" for item in self.errors]
        new = [line for line in lines if line not in self.message]
        return " ".join([self.message, "; ".join(new), f"(HTTP {self.status_code})"]).replace("  ", " ")


class UnexpectedAnswer(ServiceError):
    """An answer that is not in the format of this service: a proxy without its service, or another program."""


def read_answer(response: httpx2.Response) -> Any:
    """Return the JSON body of an answer. Raises ServiceError when the service rejected the call."""
    body = _json(response)
    # An unhealthy service answers 503 with a health report, which is more useful than an error.
    if body is None or not (response.is_success or _is_health_report(body)):
        raise refusal(response)
    return body


def is_event_stream(response: httpx2.Response) -> bool:
    return response.is_success and response.headers.get("content-type", "").startswith("text/event-stream")


def stream_has_ended(response: httpx2.Response) -> bool:
    """Whether no more events will come: the SSE standard defines HTTP 204 on a reconnect for this."""
    return response.status_code == httpx2.codes.NO_CONTENT


def refusal(response: httpx2.Response) -> ServiceError:
    """Return the error for an answer that is not a success."""
    body = _json(response)
    if not response.is_success and isinstance(body, dict) and isinstance(body.get("message"), str):
        return ServiceError(response.status_code, body["message"], body.get("detail"), body.get("errors"))
    text = " ".join(response.text.split())[:120]
    return UnexpectedAnswer(
        response.status_code, f"{response.url} does not answer like an rfuav service: '{text}'."
    )


def is_transient(error: RfuavError) -> bool:
    """Whether a restart of the service may be the cause. Ray Serve's proxy answers 404 until its service is up."""
    if isinstance(error, ServiceError):
        return error.status_code >= 500 or isinstance(error, UnexpectedAnswer)
    return True


def reason_of(error: httpx2.TransportError, timeout_s: float) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return f"no answer within {timeout_s:g} s"
    return str(error) or type(error).__name__


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _is_field_error(item: Any) -> bool:
    return isinstance(item, dict) and "message" in item


def _is_health_report(body: Any) -> bool:
    return isinstance(body, dict) and body.get("status") == "unhealthy"
