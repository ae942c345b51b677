import asyncio

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel
from ray.exceptions import TaskCancelledError

from rfuav_ray.errors import InvalidInput, PathNotAllowed, RunError, ServiceBusy, TaskConflict, TaskNotFound
from serve_app.error_answers import add_error_handlers
from serve_app.middleware.guards import MAX_BODY_BYTES, BodyLimit, KeyCheck


class Body(BaseModel):
    number: int


@pytest.fixture
def client_of():
    def make(error=None, keys=()):
        app = FastAPI()

        @app.get("/api/v1/health")
        @app.get("/secret")
        def read():
            return "seen"

        @app.post("/echo")
        async def echo(request: Request):
            return len(await request.body())

        @app.post("/body")
        def body(given: Body):
            return given

        @app.get("/error")
        def fail():
            raise error

        add_error_handlers(app)
        app.add_middleware(BodyLimit)
        if keys:
            app.add_middleware(KeyCheck, keys=keys)
        return TestClient(app, raise_server_exceptions=False)

    return make


@pytest.mark.parametrize(
    ("error", "code", "field"),
    [
        (InvalidInput("model", "is unknown"), 422, "model"),
        (PathNotAllowed("save_path", "is outside"), 403, "save_path"),
        (TaskNotFound("x"), 404, None),
        (TaskConflict("in use"), 409, None),
        (ServiceBusy("full", 7), 503, None),
        (RunError("not for clients"), 500, None),
        (ZeroDivisionError("a bug"), 500, None),
    ],
)
def test_guards_every_error_has_the_one_shape(client_of, error, code, field):
    answer = client_of(error).get("/error")
    body = answer.json()
    assert answer.status_code == code
    assert set(body) == {"status", "message", "detail", "errors", "timestamp"} and body["status"] == "error"
    assert [problem["field"] for problem in body["errors"]] == ([field] if field else [])
    assert body["detail"] == body["message"]
    assert "Traceback" not in answer.text and "a bug" not in answer.text


def test_guards_a_busy_service_says_when_to_come_back(client_of):
    assert client_of(ServiceBusy("full", 7)).get("/error").headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (b'{"number": ', "body", "not valid JSON"),
        (b"", "body", "required"),
        (b"[1]", "body", "dictionary"),
        (b'{"number": "x"}', "number", "given: 'x'"),
        (b"{}", "number", "required"),
    ],
)
def test_guards_a_wrong_body_names_the_field_and_the_reason(client_of, body, field, reason):
    answer = client_of().post("/body", content=body, headers={"content-type": "application/json"})
    (problem,) = answer.json()["errors"]
    assert answer.json()["detail"] == f"{field}: {problem['message']}"
    assert answer.status_code == 422
    assert problem["field"] == field and reason in problem["message"]


def test_guards_unknown_routes_and_methods_have_the_shape_too(client_of):
    assert client_of().get("/nothing").json()["status"] == "error"
    answer = client_of().delete("/secret")
    assert answer.status_code == 405 and answer.json()["status"] == "error"


def test_guards_bodies_up_to_the_limit_pass_and_larger_ones_do_not(client_of):
    client = client_of()
    assert client.post("/echo", content=b"x" * MAX_BODY_BYTES).json() == MAX_BODY_BYTES
    assert client.post("/echo", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413

    def unannounced():
        for _ in range(3):
            yield b"x" * (MAX_BODY_BYTES // 2)

    assert client.post("/echo", content=unannounced()).status_code == 413


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 401),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "two"}, 200),
        ({"Authorization": "Bearer one"}, 200),
        ({"Authorization": "bearer  one"}, 200),
        ({"Authorization": "Basic one"}, 401),
        ({"Authorization": "Bearer"}, 401),
    ],
)
def test_guards_a_known_key_opens_the_routes(client_of, headers, code):
    answer = client_of(keys=["one", "two"]).get("/secret", headers=headers)
    assert answer.status_code == code
    if code == 401:
        assert answer.json()["status"] == "error"


def test_guards_health_needs_no_key(client_of):
    assert client_of(keys=["one"]).get("/api/v1/health").status_code == 200


def test_guards_a_request_that_the_proxy_cancelled_is_a_client_that_left(caplog):
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

    asyncio.run(BodyLimit(app)({"type": "http", "headers": []}, receive, send))
    assert seen == [
        {"type": "http.request", "body": b"abc", "more_body": False},
        {"type": "http.disconnect"},
    ]
    assert not caplog.records
