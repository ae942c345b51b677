import asyncio

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from serve_app.middleware.measured import Measured, RequestMetrics


@pytest.fixture
def metrics():
    return RequestMetrics()


@pytest.fixture
def client(metrics):
    app = FastAPI()
    tasks = APIRouter(prefix="/tasks", tags=["tasks", "others"])

    @tasks.get("/{task_id}")
    def task(task_id: int):
        return task_id

    @tasks.get("/{task_id}/broken")
    def broken(task_id: int):
        raise ZeroDivisionError

    @app.get("/")
    def page():
        return ""

    app.include_router(tasks)
    return TestClient(Measured(app, metrics), raise_server_exceptions=False)


def count(metrics, route_class):
    labels = {"route_class": route_class, "replica": metrics.replica}
    return metrics.registry.get_sample_value("rfuav_http_request_duration_seconds_count", labels)


def errors(metrics, route_class, code):
    labels = {"route_class": route_class, "code": code, "replica": metrics.replica}
    return metrics.registry.get_sample_value("rfuav_http_errors_total", labels)


def test_measured_requests_count_for_the_class_of_their_route(client, metrics):
    for path in ("/tasks/1", "/tasks/2", "/", "/nowhere"):
        client.get(path)
    assert [count(metrics, name) for name in ("tasks", "page", "unknown")] == [2, 1, 1]


def test_measured_errors_count_by_their_code(client, metrics):
    for path in ("/tasks/1", "/tasks/x", "/tasks/1/broken", "/nowhere"):
        client.get(path)
    assert errors(metrics, "tasks", "422") == errors(metrics, "tasks", "500") == 1
    assert errors(metrics, "unknown", "404") == 1
    assert errors(metrics, "tasks", "200") is None


def test_measured_no_request_brings_a_label_of_its_own(client, metrics):
    for number in range(50):
        client.request(f"VERB{number}", f"/nowhere/{number}")
        client.get(f"/tasks/{number}")
    classes = {sample.labels["route_class"] for family in metrics.registry.collect() for sample in family.samples}
    assert classes == {"tasks", "unknown"}


def test_measured_a_stream_counts_when_its_answer_begins(metrics):
    app = FastAPI()
    goes_on = asyncio.Event()

    async def endless():
        yield "one"
        assert count(metrics, "page") == 1
        goes_on.set()

    @app.get("/")
    def stream():
        return StreamingResponse(endless())

    assert TestClient(Measured(app, metrics)).get("/").text == "one"
    assert goes_on.is_set()
