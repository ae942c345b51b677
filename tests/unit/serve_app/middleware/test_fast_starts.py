"""The starts in front of FastAPI answer as FastAPI's own routes do, right or wrong."""

import json
import time
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rfuav_ray.errors import ServiceBusy, TaskConflict
from rfuav_ray.settings import Settings
from serve_app.error_answers import add_error_handlers
from serve_app.gateway import Service
from serve_app.middleware.fast_starts import FastStarts
from serve_app.middleware.guards import BodyLimit
from serve_app.routes import inference, training
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import AcceptingTaskManager, no_streams
from tests.support.training_runs import CLASSES, make_images

START = "/api/v2/training/start"
CHANGES_WITH_TIME = {"created_at", "updated_at", "timestamp"}


@pytest.fixture
def task_manager():
    return AcceptingTaskManager()


@pytest.fixture
def clients(tmp_path, task_manager):
    """One whose starts are taken in front of FastAPI, and one whose starts are not."""
    found = []
    for is_fast in (True, False):
        app = FastAPI()
        app.include_router(training.router)
        app.include_router(inference.router)
        add_error_handlers(app)
        settings = Settings(data_roots=[tmp_path], state_dir=tmp_path / "state")
        app.state.service = Service(
            settings=settings,
            view=TaskView(),
            streams=no_streams(),
            task_manager_actor=task_manager,
        )
        api = BodyLimit(FastStarts(app, app) if is_fast else app)
        found.append(TestClient(api, raise_server_exceptions=False))
    return found


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
def test_fast_starts_a_training_is_accepted(clients, request_of_a_training, content_type):
    code, body = same_answer(clients, START, json.dumps(request_of_a_training), content_type)
    assert code == 200
    assert (body["task_id"], body["status"], body["queue_position"]) == ("mine", "pending", 1)


def test_fast_starts_an_id_is_a_uuid_that_begins_with_the_time(clients, request_of_a_training):
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
def test_fast_starts_what_is_wrong_is_said_in_the_same_words(clients, request_of_a_training, changes, code):
    body = json.dumps(request_of_a_training | changes)
    assert same_answer(clients, START, body)[0] == code


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_fast_starts_what_is_no_request_is_refused_in_the_same_words(clients, body):
    assert same_answer(clients, START, body)[0] in {400, 422}


def test_fast_starts_text_is_no_json(clients, request_of_a_training):
    assert same_answer(clients, START, json.dumps(request_of_a_training), "text/plain")[0] == 422


def test_fast_starts_an_inference_without_its_files_is_refused(clients, tmp_path):
    names = {name: str(tmp_path / name) for name in ("cfg_path", "weight_path", "source_path")}
    assert same_answer(clients, "/api/v2/inference/start", json.dumps(names))[0] == 422


@pytest.mark.parametrize(
    ("error", "code"),
    [(TaskConflict("in use"), 409), (ServiceBusy("full", 10), 503), (ZeroDivisionError("a bug"), 500)],
)
def test_fast_starts_the_task_managers_errors_are_answers(
    clients, task_manager, request_of_a_training, error, code
):
    task_manager.error = error
    assert same_answer(clients, START, json.dumps(request_of_a_training))[0] == code


def test_fast_starts_other_requests_go_on(clients):
    answers = [client.put(START, json={}) for client in clients]
    assert answers[0].status_code == answers[1].status_code == 405
    assert answers[0].json()["message"] == answers[1].json()["message"]
