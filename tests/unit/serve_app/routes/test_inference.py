"""Of several replicas, one may have told of a task's end that another one has not heard of yet."""

from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rfuav_ray.inference.predictions import writing_predictions
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskStatus
from serve_app.error_answers import add_error_handlers
from serve_app.gateway import Service
from serve_app.routes import inference
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import no_streams
from tests.support.sample_tasks import a_row

RESULTS = "/api/v2/inference/one/results"


@pytest.fixture
def client(tmp_path):
    """`client(task)`: of a replica that shows the inference `one` as running, while the TaskManager has `task`."""

    def make(row):
        async def get(task_id):
            assert task_id == "one"
            return row

        app = FastAPI()
        app.include_router(inference.router)
        add_error_handlers(app)
        view = TaskView()
        view.put(a_row(1, id="one", kind="inference", status=TaskStatus.RUNNING, version=1))
        app.state.service = Service(
            settings=Settings(data_roots=[tmp_path], state_dir=tmp_path / "state"),
            view=view,
            streams=no_streams(),
            task_manager_actor=SimpleNamespace(get=SimpleNamespace(remote=get)),
        )
        return TestClient(app, raise_server_exceptions=False)

    return make


def test_inference_predictions_of_a_task_that_has_ended_elsewhere(client, tmp_path):
    with writing_predictions(tmp_path, model="resnet18"):
        pass
    result = {"predictions_json": str(tmp_path / "predictions.json")}
    ended = a_row(1, id="one", kind="inference", status=TaskStatus.COMPLETED, version=2, result=result)
    replica = client(ended)
    assert replica.get(RESULTS).json()["model"] == "resnet18"
    assert replica.get("/api/v2/inference/one").json()["status"] == "completed"


def test_inference_a_task_that_runs_has_no_predictions(client):
    running = a_row(1, id="one", kind="inference", status=TaskStatus.RUNNING, version=1)
    answer = client(running).get(RESULTS)
    assert answer.status_code == 409 and "is running: it has no predictions" in answer.text
