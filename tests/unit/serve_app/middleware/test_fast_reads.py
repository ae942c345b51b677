"""The reads in front of FastAPI, and that FastAPI's own routes give the same."""

import asyncio
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskStatus
from serve_app.error_answers import add_error_handlers
from serve_app.gateway import Service
from serve_app.middleware.fast_reads import FastReads
from serve_app.routes import health, inference, tasks, training
from serve_app.view.cached_json import encoded
from serve_app.view.health_report import HealthReport
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import no_streams
from tests.support.sample_tasks import a_row

RESOURCES = {"device_usage": {}, "active_tasks": {}, "limits": {}, "gpu_info": {"available": False, "count": 0}}


class Answers:
    """A service whose TaskManager is away, and whose replica knows these tasks."""

    def __init__(self, *rows):
        self.view = TaskView()
        for row in rows:
            self.view.put(row)
        self.service = Service(
            settings=Settings(_env_file=None),
            view=self.view,
            streams=no_streams(),
            task_manager_actor=None,
        )
        app = FastAPI()
        for group in (training, inference, tasks, health):
            app.include_router(group.router)
        add_error_handlers(app)
        app.state.service = self.service
        self.routes = TestClient(app)
        self.fast = TestClient(FastReads(refused, app))


async def refused(_scope, _receive, send):
    """What a request meets that goes on to FastAPI."""
    await send({"type": "http.response.start", "status": 599, "headers": []})
    await send({"type": "http.response.body", "body": b""})


ROWS = (
    a_row(1),
    a_row(2, kind="inference", status=TaskStatus.COMPLETED, result={"images": 3}),
    a_row(3, kind="split", request={"input_path": "/a", "output_path": "/b"}),
)
SHOWN = ["tasks/task-1", "training/task-1", "tasks/task-2", "inference/task-2", "tasks/task-3"]


@pytest.mark.parametrize("path", SHOWN)
def test_fast_reads_a_status_is_the_same_as_fastapis_to_the_byte(path):
    answers = Answers(*ROWS)
    fast, route = answers.fast.get(f"/api/v2/{path}"), answers.routes.get(f"/api/v2/{path}")
    assert fast.status_code == route.status_code == 200
    assert fast.content == route.content and fast.headers == route.headers
    assert fast.json()["task_id"] == path.partition("/")[2]


@pytest.mark.parametrize(
    "path",
    ["tasks/unknown", "inference/task-1", "training/task-2", "tasks/task-1/logs", "tasks", "training/start"],
)
def test_fast_reads_what_is_not_at_hand_goes_on_to_fastapi(path):
    assert Answers(*ROWS).fast.get(f"/api/v2/{path}").status_code == 599


def test_fast_reads_only_get_is_answered():
    assert Answers(*ROWS).fast.delete("/api/v2/tasks/task-1").status_code == 599


@pytest.mark.parametrize("client", ["fast", "routes"])
def test_fast_reads_a_client_that_has_the_answer_gets_304_until_it_changes(client):
    answers = Answers(*ROWS)
    get = getattr(answers, client).get
    url = "/api/v2/tasks/task-1"
    etag = get(url).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    answers.view.put(a_row(1, version=2, status=TaskStatus.RUNNING))
    answer = get(url, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and answer.json()["status"] == "running" and answer.headers["etag"] != etag


def test_fast_reads_a_place_in_the_queue_that_others_change_is_a_new_answer():
    answers = Answers(a_row(1), a_row(2))
    url = "/api/v2/tasks/task-2"
    first = answers.fast.get(url)
    assert first.json()["queue_position"] == 2
    answers.view.put(a_row(1, version=2, status=TaskStatus.RUNNING))
    again = answers.fast.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200 and again.json()["queue_position"] == 1


def test_fast_reads_a_list_is_made_of_the_same_answers_and_has_an_etag():
    answers = Answers(*ROWS)
    page = answers.routes.get("/api/v2/tasks")
    body = page.json()
    assert [body[f"total_{kind}"] for kind in ("training", "inference", "preprocessing")] == [1, 1, 1]
    assert body["training_tasks"] == [answers.fast.get("/api/v2/tasks/task-1").json()]
    known = {"If-None-Match": page.headers["etag"]}
    assert answers.routes.get("/api/v2/tasks", headers=known).status_code == 304
    answers.view.drop("task-1")
    assert answers.routes.get("/api/v2/tasks", headers=known).json()["total_training"] == 0


class TaskManager:
    """Answers when it is told to; counts how often it was asked."""

    def __init__(self):
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.error = None

    async def resources(self):
        self.asked += 1
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return RESOURCES


def a_report(manager):
    return HealthReport("1", TaskView(), no_streams(), manager.resources)


def test_fast_reads_those_who_ask_for_the_health_together_ask_the_task_manager_once():
    async def main():
        manager = TaskManager()
        report = a_report(manager)
        asking = [asyncio.create_task(report.healthy()) for _ in range(10)]
        await asyncio.sleep(0)
        manager.may_answer.set()
        answers = await asyncio.gather(*asking)
        assert manager.asked == 1 and len({answer.body for answer in answers}) == 1
        assert json.loads(answers[0].body)["status"] == "healthy"

    asyncio.run(main())


def test_fast_reads_a_task_manager_that_does_not_answer_is_not_covered_up_by_what_it_said_before(monkeypatch):
    async def main():
        manager = TaskManager()
        report = a_report(manager)
        manager.may_answer.set()
        assert await report.healthy() and report.cached_answer()
        monkeypatch.setattr("serve_app.view.health_report.FRESH_S", 0.0)
        assert report.cached_answer() is None
        manager.error = TimeoutError()
        assert await report.healthy() is None and report.cached_answer() is None

    asyncio.run(main())


def test_fast_reads_the_name_of_an_answer_is_of_its_bytes():
    assert encoded(b"a").etag == encoded(b"a").etag != encoded(b"b").etag
