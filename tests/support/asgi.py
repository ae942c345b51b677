"""Requests for a middleware alone, with headers that no client library sends."""

import asyncio
import json


def ask(middleware, *headers, method="GET", path="/"):
    """The status and the body's fields; the headers are pairs of texts. `(200, None)` comes from `passes`."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    asyncio.run(middleware(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body) if body else None


async def passes(_scope, _receive, send):
    """The application behind a middleware."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
