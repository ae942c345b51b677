"""Starts of inferences, and pages of their predictions.

Of several replicas, one may have told of a task's end that another one has not heard of yet.
"""

from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rfuav_ray.api.results import Prediction
from rfuav_ray.inference.results.predictions import writing_predictions
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskStatus
from serve_app.error_answers import add_error_handlers
from serve_app.gateway import Service
from serve_app.routes import inference
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import AcceptingTaskManager, no_streams
from tests.support.inference_runs import Run
from tests.support.sample_tasks import a_row

RESULTS = "/api/v2/inference/one/results"
BATCH = "/api/v2/inference/batch"


def client_of(folder, task_manager, view=None):
    app = FastAPI()
    app.include_router(inference.router)
    app.include_router(inference.cached)
    add_error_handlers(app)
    app.state.service = Service(
        settings=Settings(data_roots=[folder], state_dir=folder / "state"),
        view=view or TaskView(),
        streams=no_streams(),
        task_manager_actor=task_manager,
    )
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(tmp_path):
    """`client(task)`: of a replica that shows the inference `one` as running, while the TaskManager has `task`."""

    def make(row):
        async def get(task_id):
            assert task_id == "one"
            return row

        view = TaskView()
        view.put(a_row(1, id="one", kind="inference", status=TaskStatus.RUNNING, version=1))
        return client_of(tmp_path, SimpleNamespace(get=SimpleNamespace(remote=get)), view)

    return make


@pytest.fixture
def results(tmp_path):
    """The task's result, and the one that a version up to 0.2 would have given it. There are 5 predictions."""
    with writing_predictions(tmp_path, model="resnet18") as write:
        for number in range(5):
            write(
                Prediction(
                    file=f"无人机/{number}.png",
                    frame=None,
                    time_s=None,
                    class_name="drone",
                    class_index=number,
                    probability=0.123457,
                    top5=[{"class_name": "drone", "probability": 1e-06}],
                    unknown=None,
                )
            )
    older = {"predictions_json": str(tmp_path / "predictions.json")}
    return older | {"predictions_jsonl": str(tmp_path / "predictions.jsonl"), "model": "resnet18"}, older


def ended(result):
    return a_row(1, id="one", kind="inference", status=TaskStatus.COMPLETED, version=2, result=result)


def test_inference_predictions_of_a_task_that_has_ended_elsewhere(client, results):
    replica = client(ended(results[0]))
    answer = replica.get(RESULTS).json()
    assert (answer["model"], answer["total"], len(answer["predictions"])) == ("resnet18", 5, 5)
    assert replica.get("/api/v2/inference/one").json()["status"] == "completed"


@pytest.mark.parametrize(
    "query", ["", "?limit=2", "?offset=3&limit=2", "?offset=4", "?offset=5", "?offset=999999"]
)
def test_inference_results_of_an_older_version_are_served_alike(client, results, query):
    newer, older = (client(ended(result)).get(RESULTS + query) for result in results)
    assert newer.status_code == 200
    assert newer.content == older.content


def test_inference_predictions_that_are_gone_are_named(client, results, tmp_path):
    (tmp_path / "predictions.jsonl").unlink()
    answer = client(ended(results[0])).get(RESULTS)
    assert answer.status_code == 409 and f"'{tmp_path}/predictions.jsonl' is missing" in answer.json()["message"]


def test_inference_a_task_that_runs_has_no_predictions(client):
    running = a_row(1, id="one", kind="inference", status=TaskStatus.RUNNING, version=1)
    answer = client(running).get(RESULTS)
    assert answer.status_code == 409 and "is running: it has no predictions" in answer.text


@pytest.fixture
def task_manager():
    return AcceptingTaskManager()


@pytest.fixture
def start(tmp_path, task_manager):
    """`start(sources, **changes)`: start a batch of these sources, with other fields changed."""
    run = Run(tmp_path)
    run.add_images(*(f"{number}.png" for number in range(2)))

    def post(sources, **changes):
        fields = {
            "cfg_path": str(run.folder / "model.yaml"),
            "weight_path": str(run.folder / "weights.pth"),
            "source_paths": [str(run.source / source) for source in sources],
        }
        return client_of(tmp_path, task_manager).post(BATCH, json=fields | changes)

    return post


def test_inference_a_batch_has_up_to_a_thousand_sources(start, task_manager, tmp_path):
    answer = start(["0.png", "1.png"] * 500, save_base_path="out").json()
    assert answer["total"] == 1000
    assert answer["task_ids"] == [task.id for task in task_manager.accepted]
    for index, task in enumerate(task_manager.accepted):
        assert task.request["source_path"] == str(tmp_path / "source" / f"{index % 2}.png")
        assert task.request["save_path"] == str(tmp_path / "out" / str(index))
    assert {task.priority for task in task_manager.accepted} == {3}


def test_inference_without_a_folder_each_task_of_a_batch_has_its_own(start, task_manager, tmp_path):
    answer = start(["0.png", ""], priority=7).json()
    assert [task.request["save_path"] for task in task_manager.accepted] == [
        str(tmp_path / "results" / task_id) for task_id in answer["task_ids"]
    ]
    assert {task.priority for task in task_manager.accepted} == {7}


def test_inference_each_task_of_a_batch_has_the_class_order(start, task_manager):
    start(["0.png", "1.png"], class_order="sorted")
    assert [task.request["class_order"] for task in task_manager.accepted] == ["sorted", "sorted"]


@pytest.mark.parametrize(
    ("sources", "field"),
    [
        (["0.png"] * 1001, "source_paths"),
        (["0.png"] * 999 + ["gone.png"], "source_paths.999"),
        (["0.png", "../model.yaml", "gone.png"], "source_paths.1"),
    ],
)
def test_inference_a_bad_batch_names_its_field_and_starts_nothing(start, task_manager, sources, field):
    answer = start(sources)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert task_manager.accepted == []
