"""What `GET /metrics` answers, through all middleware."""

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from actors.devices.usage import Figures
from actors.events.gauges import RunCounts
from rfuav_ray.settings import Settings
from serve_app.api import create_app, in_front
from serve_app.gateway import Service
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import LocalHandle, no_streams


class TaskManager:
    error: Exception | None = None

    async def figures(self):
        if self.error:
            raise self.error
        return Figures([], RunCounts(), [])


@pytest.fixture
def task_manager():
    return TaskManager()


@pytest.fixture
def client(task_manager):
    settings = Settings(_env_file=None, api_keys="secret")
    app = create_app(settings)
    app.state.service = Service(settings, TaskView(), no_streams(), LocalHandle(task_manager))
    return TestClient(in_front(app, settings), base_url="http://localhost", headers={"X-API-Key": "secret"})


def read(client):
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family.samples for family in text_string_to_metric_families(answer.text)}


def test_metrics_need_a_key(client):
    assert client.get("/metrics", headers={"X-API-Key": "other"}).status_code == 401


def test_metrics_are_those_of_the_tasks_and_of_earlier_requests(client):
    client.get("/api/v2/nowhere")
    found = read(client)
    assert found["rfuav_up"][0].value == 1
    assert {"rfuav_tasks", "rfuav_queue_length", "rfuav_runs_lost", "rfuav_open_streams"} <= found.keys()
    (error,) = found["rfuav_http_errors"]
    assert (error.labels["route_class"], error.labels["code"], error.value) == ("unknown", "404", 1)
    assert read(client)["rfuav_http_request_duration_seconds"][0].labels["route_class"] in {"metrics", "unknown"}


def test_metrics_are_there_while_the_task_manager_is_not(client, task_manager):
    task_manager.error = TimeoutError()
    found = read(client)
    assert found["rfuav_up"][0].value == 0
    assert "rfuav_tasks" in found and "rfuav_runs_lost" not in found
