"""Checks of requests, which look at files: away from the event loop, and not twice within a moment."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

#: short enough that nobody who has changed a file notices
REMEMBERED_S = 1.0
MOST_REMEMBERED = 10_000
#: what no check looks at
_UNCHECKED = {"task_id", "priority", "description"}

Request = TypeVar("Request", bound=BaseModel)

#: by check and request: when it was found good, and what it then was
_good: dict[tuple[str, str], tuple[float, BaseModel]] = {}


async def checked(check: Callable[..., Request], request: Request, **settings: Any) -> Request:
    """The request as `check` returns it, raising what it raises. One like it that was just found good is good."""
    key = (check.__name__, request.model_dump_json(exclude=_UNCHECKED))
    found_s, found = _good.get(key, (-REMEMBERED_S, request))
    if time.monotonic() - found_s >= REMEMBERED_S:
        found_s, found = time.monotonic(), await asyncio.to_thread(check, request, **settings)
        if len(_good) >= MOST_REMEMBERED:
            _good.clear()
        _good[key] = (found_s, found)
    unchecked = {name: getattr(request, name) for name in _UNCHECKED & type(request).model_fields.keys()}
    return found.model_copy(update=unchecked)  # type: ignore[return-value]
