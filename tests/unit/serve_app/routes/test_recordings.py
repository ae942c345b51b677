"""What a completed inference says about recordings, and the spectrograms of their windows."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.settings import Settings
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.spectrogram import iter_spectrograms
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.tasks import TaskStatus
from serve_app.error_answers import add_error_handlers
from serve_app.gateway import Service
from serve_app.routes import recordings
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import no_streams
from tests.support.inference_runs import RATE_HZ, STFT, Run
from tests.support.sample_tasks import a_row
from tests.support.signals import noise, tone

pytestmark = pytest.mark.usefixtures("one_thread")

PATH = "/api/v2/inference/one/recordings"


@pytest.fixture(params=[RATE_HZ, 2.5e6], ids=["as it is", "resampled"])
def run(tmp_path, request):
    run = Run(tmp_path)
    run.knows_spectrograms()
    count = round(0.035 * request.param)
    run.add_recording("a", 0.05 * noise(count) + 0.5 * tone(1e5, request.param, count), rate_hz=request.param)
    run.add_recording("deep/b", np.zeros(round(0.02 * request.param), np.complex64), rate_hz=request.param)
    return run


@pytest.fixture
def result(run):
    return run.infer()


@pytest.fixture
def client(run, result):
    """Of a replica that shows the inference `one`, which has completed."""
    asked = InferenceRequest(
        cfg_path=str(run.folder / "model.yaml"),
        weight_path=str(run.folder / "weights.pth"),
        source_path=str(run.source),
        save_path=str(run.out),
    )
    row = a_row(
        1,
        **{"id": "one", "kind": "inference", "status": TaskStatus.COMPLETED, "version": 2},
        **{"result": result, "request": asked.model_dump(mode="json")},
    )

    async def get(task_id):
        return row

    view = TaskView()
    view.put(row)
    app = FastAPI()
    app.include_router(recordings.router)
    add_error_handlers(app)
    app.state.service = Service(
        settings=Settings(data_roots=[run.folder], state_dir=run.folder / "state"),
        view=view,
        streams=no_streams(),
        task_manager_actor=SimpleNamespace(get=SimpleNamespace(remote=get)),
    )
    return TestClient(app, raise_server_exceptions=False)


def test_recordings_are_paged(client, run):
    whole = client.get(PATH).json()
    assert (whole["total"], whole["model"]) == (2, "mobilenet_v3_small")
    assert whole["recordings"] == run.recordings()
    assert client.get(f"{PATH}?offset=1&limit=1").json()["recordings"] == whole["recordings"][1:]
    assert client.get(f"{PATH}?offset=2").json()["recordings"] == []


def test_recordings_a_window_is_drawn_as_the_model_saw_it(client, run):
    answer = client.get(f"{PATH}/0/spectrogram?frame=2")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image.shape == (48, 48, 3)
    recording = open_recording(run.source / "a.sigmf-meta")
    if recording.sample_rate_hz == RATE_HZ:
        (expected,) = iter_spectrograms(recording, StftSettings(**STFT), first=2, count=1)
        assert (image == expected.image).all()


@pytest.mark.parametrize(
    ("place", "status", "reason"),
    [
        ("0/spectrogram?frame=3", 404, "has 3 windows"),
        ("2/spectrogram", 404, "has 2 recordings"),
        ("-1/spectrogram", 422, ""),
        ("0/spectrogram?frame=-1", 422, ""),
    ],
)
def test_recordings_a_window_that_there_is_not(client, place, status, reason):
    answer = client.get(f"{PATH}/{place}")
    assert answer.status_code == status and reason in answer.text


def test_recordings_one_that_is_gone_or_was_changed_is_not_drawn(client, run):
    (run.source / "a.sigmf-data").write_bytes(b"\0" * 1000)
    answer = client.get(f"{PATH}/0/spectrogram?frame=2")
    assert answer.status_code == 409 and "cannot be drawn any more" in answer.json()["message"]
    (run.source / "a.sigmf-meta").unlink()
    assert client.get(f"{PATH}/0/spectrogram").status_code == 409


def test_recordings_a_link_out_of_the_roots_is_not_followed(client, run, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for file in list(run.source.glob("a.*")):
        file.rename(elsewhere / file.name)
        file.symlink_to(elsewhere / file.name)
    assert client.get(f"{PATH}/0/spectrogram").status_code == 409


def test_recordings_that_were_deleted_are_named(client, run):
    (run.out / "recordings.jsonl").unlink()
    answer = client.get(PATH)
    assert answer.status_code == 409 and "recordings.jsonl' is missing" in answer.json()["message"]
