"""An inference on recordings over HTTP: verdicts, segments, pictures of windows, annotations."""

import json

import httpx2
import numpy as np
import pytest
import sigmf
from sigmf import sigmffile

from rfuav_ray.client.service_errors import ServiceError
from tests.support.inference_runs import RATE_HZ, Run
from tests.support.signals import noise, tone


@pytest.fixture(scope="module")
def run(root):
    run = Run.for_recordings(root / "recordings")
    heard = 0.05 * noise(60_000) + 0.5 * tone(1e5, RATE_HZ, 60_000)
    run.add_recording("a", np.concatenate([heard, np.zeros(40_000, np.complex64), heard]))
    run.add_recording("deep/b", heard[:30_000])
    return run


@pytest.fixture
def infer(client, run):
    """`infer(**fields)`: classify the recordings; returns the ended task."""

    def start(**fields):
        fields = {"source_path": run.source, "device": "cpu"} | fields
        task = client.start_inference(run.folder / "model.yaml", run.folder / "weights.pth", **fields)
        return client.wait(task["task_id"], timeout=60)

    return start


def test_recordings_give_verdicts_segments_pictures_and_annotations(service, client, run, infer):
    task = infer(save_path=run.folder / "out", annotate=True)
    assert task["status"] == "completed", task
    assert task["result"]["recordings"]["windows"] == 19
    page = client.get_inference_recordings(task["task_id"])
    first, second = page["recordings"]
    assert (page["total"], first["file"], second["file"]) == (2, "a.sigmf-meta", "deep/b.sigmf-meta")
    assert (first["windows"], first["empty_windows"]) == (16, 4)
    assert [(one["start_s"], one["end_s"]) for one in first["segments"]] == [(0, 0.06), (0.1, 0.16)]
    rows = client.get_inference_results(task["task_id"], offset=second["first_row"], limit=second["rows"])
    assert [(row["file"], row["frame"]) for row in rows["predictions"]] == [(second["file"], n) for n in range(3)]
    opened = sigmffile.fromfile(str(run.folder / "out" / "a.sigmf-meta"))
    sigmf.validate.validate(opened.ordered_metadata())
    assert [one["core:sample_start"] for one in opened.get_annotations()] == [0, 100_000]
    picture = httpx2.get(f"{service}/api/v2/inference/{task['task_id']}/recordings/0/spectrogram?frame=3")
    assert picture.status_code == 200 and picture.content.startswith(b"\x89PNG")


def test_recordings_results_move_with_their_annotations_and_pictures(client, run, infer):
    tasks = [infer(save_path=run.folder / "again", annotate=True, save_images=True) for _ in range(2)]
    older = run.folder / "again" / "previous" / tasks[0]["task_id"]
    for folder in (older, run.folder / "again"):
        assert len(list((folder / "images").rglob("*.png"))) == 19
        assert (folder / "deep" / "b.sigmf-meta").is_file()
    for task in tasks:
        assert client.get_inference_recordings(task["task_id"])["total"] == 2


def test_recordings_a_model_that_does_not_know_how_to_draw_them_is_refused(client, run, infer):
    text = (run.folder / "model.yaml").read_text()
    (run.folder / "plain.yaml").write_text(text[: text.index("stft:")])
    with pytest.raises(ServiceError) as refusal:
        client.start_inference(run.folder / "plain.yaml", run.folder / "weights.pth", run.source)
    assert refusal.value.status_code == 422
    assert json.dumps(refusal.value.errors).count("style") and "stft_points, duration_s" in str(refusal.value)
