import asyncio

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from ray.exceptions import TaskCancelledError

from serve_app.middleware.body_limit import MAX_BODY_BYTES, BodyLimit
from tests.support.asgi import passes


def echo_client():
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request):
        return len(await request.body())

    return TestClient(BodyLimit(app))


def test_body_limit_bodies_up_to_the_limit_pass_and_larger_ones_do_not():
    client = echo_client()
    assert client.post("/echo", content=b"x" * MAX_BODY_BYTES).json() == MAX_BODY_BYTES
    assert client.post("/echo", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413

    def unannounced():
        for _ in range(3):
            yield b"x" * (MAX_BODY_BYTES // 2)

    assert client.post("/echo", content=unannounced()).status_code == 413


def test_body_limit_a_request_that_the_proxy_cancelled_is_a_client_that_left(caplog):
    """Ray Serve then raises where the application asks for the next message."""
    seen = []

    async def app(scope, receive, send):
        seen.extend([await receive(), await receive()])

    answers = iter([{"type": "http.request", "body": b"abc", "more_body": False}])

    async def receive():
        for answer in answers:
            return answer
        raise TaskCancelledError

    async def send(message):
        raise AssertionError(f"nothing to say, but: {message}")

    scope = {"type": "http", "method": "POST", "headers": []}
    asyncio.run(BodyLimit(app)(scope, receive, send))
    assert seen == [
        {"type": "http.request", "body": b"abc", "more_body": False},
        {"type": "http.disconnect"},
    ]
    assert not caplog.records


def test_body_limit_a_body_that_does_not_arrive_ends(monkeypatch):
    monkeypatch.setattr("serve_app.middleware.body_limit.BODY_WITHIN_S", 0)

    async def receive():
        await asyncio.Event().wait()

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(BodyLimit(passes)({"type": "http", "method": "POST", "headers": []}, receive, send))
    assert sent[0]["status"] == 408
