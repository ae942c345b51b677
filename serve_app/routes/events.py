"""All tasks as they change, for pages that show them."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from serve_app.service import TheService

router = APIRouter(prefix="/api/v2/events", tags=["tasks"])


@router.get("", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def task_events(service: TheService, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> Response:
    """Server-sent events: `tasks`, the newest, then `changes`; each has `tasks` and the ids of those `deleted`."""
    service.streams.refuse_when_over()
    return StreamingResponse(
        service.events.stream(limit),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
