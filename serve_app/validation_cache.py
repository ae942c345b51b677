"""Checks requests in a thread, because the checks read files, and remembers valid requests for a moment."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from rfuav_ray.api.requests import Request

#: short enough that a user who has changed a file does not notice
REMEMBERED_S = 1.0
MOST_REMEMBERED = 10_000
#: fields that no check reads
_UNCHECKED = {"task_id", "priority", "description"}

RequestT = TypeVar("RequestT", bound=Request)

#: by check and request: the time of a successful check, and the request that the check returned
_good: dict[tuple[str, str, tuple[str, ...]], tuple[float, Request]] = {}


async def checked(check: Callable[..., RequestT], request: RequestT, **settings: Any) -> RequestT:
    """Check a request, unless an equal request has just passed the same check.

    Requests are equal when they differ only in fields that no check reads.

    Returns:
        The request as `check` returns it.

    Raises:
        Exception: the exception that `check` raises.
    """
    # The answer carries the warnings of its request.
    key = (check.__name__, request.model_dump_json(exclude=_UNCHECKED), request.warnings)
    found_s, found = _good.get(key, (-REMEMBERED_S, request))
    if time.monotonic() - found_s >= REMEMBERED_S:
        found_s, found = time.monotonic(), await asyncio.to_thread(check, request, **settings)
        if len(_good) >= MOST_REMEMBERED:
            _good.clear()
        _good[key] = (found_s, found)
    unchecked = {name: getattr(request, name) for name in _UNCHECKED & type(request).model_fields.keys()}
    return found.model_copy(update=unchecked)  # type: ignore[return-value]
