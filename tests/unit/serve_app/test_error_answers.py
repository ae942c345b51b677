import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from rfuav_ray.errors import InvalidInput, PathNotAllowed, RunError, ServiceBusy, TaskConflict, TaskNotFound
from serve_app.error_answers import add_error_handlers


class Body(BaseModel):
    number: int


@pytest.fixture
def client_of():
    def make(error=None):
        app = FastAPI()

        @app.get("/read")
        def read():
            return "seen"

        @app.get("/tasks/{name}")
        @app.delete("/tasks/{name}")
        def task(name):
            return name

        @app.post("/tasks/start")
        def start():
            return "started"

        @app.post("/body")
        def body(given: Body):
            return given

        @app.get("/error")
        def fail():
            raise error

        add_error_handlers(app)
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
def test_error_answers_every_error_has_the_one_shape(client_of, error, code, field):
    answer = client_of(error).get("/error")
    body = answer.json()
    assert answer.status_code == code
    assert set(body) == {"status", "message", "detail", "errors", "timestamp"} and body["status"] == "error"
    assert [problem["field"] for problem in body["errors"]] == ([field] if field else [])
    assert body["detail"] == body["message"]
    assert "Traceback" not in answer.text and "a bug" not in answer.text


def test_error_answers_a_busy_service_says_when_to_come_back(client_of):
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
def test_error_answers_a_wrong_body_names_the_field_and_the_reason(client_of, body, field, reason):
    answer = client_of().post("/body", content=body, headers={"content-type": "application/json"})
    (problem,) = answer.json()["errors"]
    assert answer.json()["detail"] == f"{field}: {problem['message']}"
    assert answer.status_code == 422
    assert problem["field"] == field and reason in problem["message"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/read", "GET"), ("/tasks/a", "DELETE, GET"), ("/tasks/start", "POST")],
)
def test_error_answers_an_unknown_method_gets_all_methods_of_the_path(client_of, path, methods):
    answer = client_of().put(path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == methods


def test_error_answers_unknown_routes_and_methods_have_the_shape_too(client_of):
    assert client_of().get("/nothing").json()["status"] == "error"
    answer = client_of().delete("/read")
    assert answer.status_code == 405 and answer.json()["status"] == "error"
