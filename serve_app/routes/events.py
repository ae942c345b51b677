"""The event stream of all tasks, for the web page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from serve_app.gateway import TheService
from serve_app.streams.answer import stream_answer

router = APIRouter(prefix="/api/v2/events", tags=["tasks"])


@router.get("", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def task_events(
    request: Request, service: TheService, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> Response:
    """Server-sent events: first `tasks` (the newest, and all that are pending or running), then `changes`.

    Each event has `tasks`, their submission `numbers` in the same order, and the ids of `deleted` tasks.
    """
    service.streams.refuse_when_over()
    return stream_answer(service.events.stream(limit), request)
