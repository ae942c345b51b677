"""The answer with an event stream, which lasts for hours: at most as long as the client reads it and has a key."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Request
from fastapi.responses import StreamingResponse

from serve_app.access.door import Door
from serve_app.streams.backpressure import Part, paced

_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def stream_answer(parts: AsyncGenerator[Part, None], request: Request) -> StreamingResponse:
    """Send these parts, each as soon as it is there. A stream ends at its next part after its key was removed.

    A silent stream has a comment line every 15 s, which is a part.
    """
    door: Door | None = request.app.state.door
    admitted = parts if door is None else _while_admitted(parts, request, door)
    return StreamingResponse(paced(admitted, request.client), media_type="text/event-stream", headers=_HEADERS)


async def _while_admitted(
    parts: AsyncGenerator[Part, None], request: Request, door: Door
) -> AsyncGenerator[Part, None]:
    async with aclosing(parts):
        async for part in parts:
            if not door.still_admits(request.scope):
                return
            yield part
