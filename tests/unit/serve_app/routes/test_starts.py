"""Every route that starts tasks: what they have in common."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.settings import Settings
from serve_app.api import create_app, in_front
from serve_app.gateway import Service
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import AcceptingTaskManager, no_streams
from tests.support.inference_runs import Run
from tests.support.training_runs import CLASSES, make_images

BATCH = "/api/v2/inference/batch"
STARTS = [*(kind.path for kind in KINDS.values()), BATCH]


@pytest.fixture
def bodies(tmp_path):
    """A valid request for each route."""
    make_images(tmp_path / "data" / "train", CLASSES, 2)
    make_images(tmp_path / "data" / "valid", CLASSES, 1)
    train, valid = str(tmp_path / "data" / "train"), str(tmp_path / "data" / "valid")
    run = Run(tmp_path)
    run.add_images("0.png", "1.png")
    make_images(tmp_path / "labelled", ("drone 0", "drone 1"), 1)
    recording = tmp_path / "recordings" / "one.iq"
    recording.parent.mkdir()
    np.zeros(2**16, dtype=np.float32).tofile(recording)
    model = {"cfg_path": str(run.folder / "model.yaml"), "weight_path": str(run.folder / "weights.pth")}
    out = {"output_path": str(tmp_path / "out")}
    return {
        KINDS["training"].path: {
            "model": "resnet18",
            "num_classes": len(CLASSES),
            "train_path": train,
            "val_path": valid,
            "save_path": str(tmp_path / "run"),
        },
        KINDS["inference"].path: {**model, "source_path": str(run.source)},
        KINDS["evaluation"].path: {**model, "data_path": str(tmp_path / "labelled")},
        KINDS["audit"].path: {"dataset_path": str(tmp_path / "data")},
        BATCH: {**model, "source_paths": [str(run.source)] * 2},
        KINDS["split"].path: {"input_path": train, **out},
        KINDS["augment"].path: {"dataset_path": str(tmp_path / "data"), **out},
        KINDS["crop"].path: {"input_path": train, "x": 0, "y": 0, "width": 4, "height": 4, **out},
        KINDS["spectrogram"].path: {
            "input_path": str(recording),
            "sample_rate_hz": 1e6,
            "duration_s": 0.01,
            "stft_points": 64,
            **out,
        },
    }


@pytest.fixture
def task_manager():
    return AcceptingTaskManager()


@pytest.fixture
def client(tmp_path, task_manager):
    settings = Settings(_env_file=None, data_roots=[tmp_path], state_dir=tmp_path / "state")
    app = create_app(settings)
    app.state.service = Service(settings, TaskView(), no_streams(), task_manager)
    return TestClient(in_front(app, settings), base_url="http://localhost", raise_server_exceptions=False)


# The second content type takes FastAPI's way on every route.
@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json"])
@pytest.mark.parametrize("path", STARTS)
def test_starts_unknown_fields_are_accepted_and_become_warnings_of_each_task(
    client, task_manager, bodies, path, content_type
):
    def post(body):
        answer = client.post(path, json=body, headers={"Content-Type": content_type})
        assert answer.status_code == 200, answer.text
        accepted, task_manager.accepted = task_manager.accepted, []
        return accepted

    plain = post(bodies[path])
    warned = post(bodies[path] | {"devise": "cpu", "a\nb": 1})
    again = post(
        bodies[path]
    )  # equal but for the unknown fields: the cache of valid requests must not mix them up
    assert [task.submission_warnings for task in (*plain, *again)] == [()] * 2 * len(plain)
    for task in warned:
        first, second = task.submission_warnings
        assert first.startswith("unknown field 'devise', ignored")
        assert second == "unknown field 'a\\nb', ignored"
    assert [_without_ids(task) for task in warned] == [_without_ids(task) for task in plain]


def _without_ids(task):
    return {name: value for name, value in task.request.items() if name != "save_path"}


@pytest.mark.parametrize("body", [{"priority": 3, "urgency": 1}, {"max_concurrent": {"cpu": {}}, "more": 1}])
def test_starts_routes_that_start_nothing_ignore_unknown_fields(client, body):
    path = "/api/v2/tasks/none/priority" if "priority" in body else "/api/v2/resources/config"
    assert client.post(path, json=body).status_code != 422
