"""The hot routes answer to the byte as the same functions do behind FastAPI's own route class."""

import json
import time
from types import SimpleNamespace
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from rfuav_ray.errors import ServiceBusy, TaskConflict, TaskNotFound
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskStatus
from serve_app.api import HOT, create_app, in_front
from serve_app.error_answers import add_error_handlers
from serve_app.gateway import Service
from serve_app.middleware.body_limit import BodyLimit
from serve_app.middleware.safe_headers import SafeHeaders
from serve_app.view.cached_json import encoded
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import AcceptingTaskManager, no_streams
from tests.support.sample_tasks import a_row
from tests.support.training_runs import CLASSES, make_images

START = "/api/v2/training/start"
CHANGES_WITH_TIME = {"created_at", "updated_at", "timestamp"}
ROWS = (
    a_row(1),
    a_row(2, kind="inference", status=TaskStatus.COMPLETED, result={"images": 3}),
    a_row(3, kind="split", request={"input_path": "/a", "output_path": "/b"}),
)
SHOWN = ["tasks/task-1", "training/task-1", "tasks/task-2", "inference/task-2", "tasks/task-3"]


class TaskManager(AcceptingTaskManager):
    """Knows one task that the replica does not know yet."""

    def __init__(self):
        super().__init__()
        self.get = SimpleNamespace(remote=self._get)

    async def _get(self, task_id):
        if task_id != "new":
            raise TaskNotFound(task_id)
        return a_row(9, id="new")


@pytest.fixture
def task_manager():
    return TaskManager()


@pytest.fixture
def service(tmp_path, task_manager):
    settings = Settings(_env_file=None, data_roots=[tmp_path], state_dir=tmp_path / "state")
    return Service(settings, TaskView(), no_streams(), task_manager)


@pytest.fixture
def clients(service):
    """One of the service's application, and one of the same functions behind FastAPI's own class of routes."""
    plain = FastAPI()
    for router in HOT:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            plain.add_api_route(
                route.path, route.endpoint, methods=list(route.methods or ()), response_model=route.response_model
            )
    add_error_handlers(plain)
    hot = create_app(service.settings)
    for app in (hot, plain):
        app.state.service = service
    stacks = in_front(hot, service.settings), SafeHeaders(BodyLimit(plain))
    return [TestClient(stack, base_url="http://localhost", raise_server_exceptions=False) for stack in stacks]


@pytest.fixture
def known(service):
    for row in ROWS:
        service.view.put(row)
    return service.view


@pytest.mark.parametrize("path", SHOWN)
def test_route_classes_a_status_is_the_same_to_the_byte(clients, known, path):
    hot, plain = (client.get(f"/api/v2/{path}") for client in clients)
    assert hot.status_code == plain.status_code == 200
    assert hot.content == plain.content and hot.headers == plain.headers
    assert hot.json()["task_id"] == path.partition("/")[2]


@pytest.mark.parametrize("path", SHOWN)
def test_route_classes_a_status_at_hand_needs_no_work_of_fastapi(clients, known, monkeypatch, path):
    monkeypatch.setattr("fastapi.routing.solve_dependencies", None)
    hot, plain = (client.get(f"/api/v2/{path}").status_code for client in clients)
    assert (hot, plain) == (200, 500)


@pytest.mark.parametrize("path", ["tasks/new", "training/new"])
def test_route_classes_a_task_that_is_not_at_hand_is_asked_for(clients, path):
    assert [client.get(f"/api/v2/{path}").json()["task_id"] for client in clients] == ["new", "new"]


@pytest.mark.parametrize(
    "path", ["tasks/unknown", "inference/task-1", "training/task-2", "inference/new", "tasks/a b"]
)
def test_route_classes_an_unknown_task_is_refused_in_the_same_words(clients, known, path):
    hot, plain = (client.get(f"/api/v2/{path}") for client in clients)
    assert hot.status_code == plain.status_code == 404
    assert hot.json()["message"] == plain.json()["message"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD"])
def test_route_classes_other_methods_are_refused(clients, known, method):
    hot, plain = (client.request(method, "/api/v2/tasks/task-1") for client in clients)
    assert hot.status_code == plain.status_code == 405


@pytest.mark.parametrize("path", [f"/api/v2/{path}" for path in SHOWN])
def test_route_classes_a_client_that_has_the_answer_gets_304(clients, known, path):
    for client in clients:
        etag = client.get(path).headers["etag"]
        for names in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            answer = client.get(path, headers={"If-None-Match": names})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


def test_route_classes_a_changed_status_is_a_new_answer(clients, known):
    url = "/api/v2/tasks/task-1"
    etag = clients[0].get(url).headers["etag"]
    known.put(a_row(1, version=2, status=TaskStatus.RUNNING))
    answer = clients[0].get(url, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and answer.json()["status"] == "running" and answer.headers["etag"] != etag


def test_route_classes_a_place_in_the_queue_that_others_change_is_a_new_answer(clients, service):
    service.view.put(a_row(1))
    service.view.put(a_row(2))
    url = "/api/v2/tasks/task-2"
    first = clients[0].get(url)
    assert first.json()["queue_position"] == 2
    service.view.put(a_row(1, version=2, status=TaskStatus.RUNNING))
    again = clients[0].get(url, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200 and again.json()["queue_position"] == 1


def test_route_classes_a_list_is_made_of_the_same_answers_and_has_an_etag(clients, known):
    client = clients[0]
    page = client.get("/api/v2/tasks")
    body = page.json()
    assert [body[f"total_{kind}"] for kind in ("training", "inference", "preprocessing")] == [1, 1, 1]
    assert body["training_tasks"] == [client.get("/api/v2/tasks/task-1").json()]
    etag = {"If-None-Match": page.headers["etag"]}
    assert client.get("/api/v2/tasks", headers=etag).status_code == 304
    known.drop("task-1")
    assert client.get("/api/v2/tasks", headers=etag).json()["total_training"] == 0


def test_route_classes_a_fresh_health_is_the_same_to_the_byte(clients, service, monkeypatch):
    monkeypatch.setattr(service.health, "cached_answer", lambda _: encoded(b'{"status":"healthy"}'))
    hot, plain = (client.get("/api/v1/health") for client in clients)
    assert hot.status_code == plain.status_code == 200
    assert hot.content == plain.content and hot.headers == plain.headers


@pytest.fixture
def request_of_a_training(tmp_path):
    make_images(tmp_path / "train", CLASSES, 4)
    make_images(tmp_path / "val", CLASSES, 1)
    return {
        "task_id": "mine",
        "model": "resnet18",
        "num_classes": 3,
        "train_path": str(tmp_path / "train"),
        "val_path": str(tmp_path / "val"),
        "save_path": str(tmp_path / "run"),
        "pretrained": False,
    }


def same_answer(clients, path, content, content_type="application/json"):
    """The status and the body that both clients got."""
    answers = [client.post(path, content=content, headers={"Content-Type": content_type}) for client in clients]
    bodies = []
    for answer in answers:
        body = answer.json()
        bodies.append({name: value for name, value in body.items() if name not in CHANGES_WITH_TIME})
    assert answers[0].status_code == answers[1].status_code
    assert bodies[0] == bodies[1]
    assert set(answers[0].headers) == set(answers[1].headers)
    return answers[0].status_code, bodies[0]


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"]
)
def test_route_classes_a_training_is_accepted(clients, request_of_a_training, content_type):
    code, body = same_answer(clients, START, json.dumps(request_of_a_training), content_type)
    assert code == 200
    assert (body["task_id"], body["status"], body["queue_position"]) == ("mine", "pending", 1)


def test_route_classes_an_id_is_a_uuid_that_begins_with_the_time(clients, request_of_a_training):
    del request_of_a_training["task_id"]
    before_ms = time.time_ns() // 1_000_000
    ids = [client.post(START, json=request_of_a_training).json()["task_id"] for client in clients]
    after_ms = time.time_ns() // 1_000_000
    assert len(set(ids)) == len(clients)
    for task_id in map(UUID, ids):
        assert task_id.version == 4
        assert before_ms <= task_id.int >> 80 <= after_ms


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"num_classes": 0}, 422),
        ({"train_path": "/etc"}, 403),
        ({"num_classes": 5}, 422),
        ({"model": "resnet19"}, 422),
    ],
)
def test_route_classes_what_is_wrong_is_said_in_the_same_words(clients, request_of_a_training, changes, code):
    body = json.dumps(request_of_a_training | changes)
    assert same_answer(clients, START, body)[0] == code


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_route_classes_what_is_no_request_is_refused_in_the_same_words(clients, body):
    assert same_answer(clients, START, body)[0] in {400, 422}


@pytest.mark.parametrize("content_type", ["text/plain", "", "json"])
def test_route_classes_text_is_no_json(clients, request_of_a_training, content_type):
    assert same_answer(clients, START, json.dumps(request_of_a_training), content_type)[0] == 422


def test_route_classes_an_inference_without_its_files_is_refused(clients, tmp_path):
    names = {name: str(tmp_path / name) for name in ("cfg_path", "weight_path", "source_path")}
    assert same_answer(clients, "/api/v2/inference/start", json.dumps(names))[0] == 422


@pytest.mark.parametrize(
    ("error", "code"),
    [(TaskConflict("in use"), 409), (ServiceBusy("full", 10), 503), (ZeroDivisionError("a bug"), 500)],
)
def test_route_classes_task_manager_errors_are_answers(clients, task_manager, request_of_a_training, error, code):
    task_manager.error = error
    assert same_answer(clients, START, json.dumps(request_of_a_training))[0] == code


def test_route_classes_other_requests_go_on(clients):
    answers = [client.put(START, json={}) for client in clients]
    assert answers[0].status_code == answers[1].status_code == 405
    assert answers[0].json()["message"] == answers[1].json()["message"]
