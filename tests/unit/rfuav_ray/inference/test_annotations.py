"""The files that an inference adds for recordings: SigMF annotations and spectrograms."""

import json

import numpy as np
import pytest
import sigmf
from sigmf import sigmffile

from rfuav_ray.errors import RunError
from tests.support.inference_runs import CENTER_HZ, RATE_HZ, WINDOW, busy

pytestmark = pytest.mark.usefixtures("one_thread", "model_knows_spectrograms")


def test_annotations_images_can_be_kept(run):
    path = run.add_recording("deep/a", busy(2))
    run.add_recording("b", busy(1))
    run.infer(run.source, fields={"save_images": True})
    files = sorted(str(file.relative_to(run.out)) for file in (run.out / "images").rglob("*.png"))
    assert files == ["images/b_00000.png", "images/deep/a_00000.png", "images/deep/a_00001.png"]
    assert path.exists()


def test_annotations_that_vanish_before_their_annotations_keep_their_predictions(run):
    path = run.add_recording("a", busy(2))
    content = json.loads(path.read_text())
    content["global"]["core:sha512"] = "0" * 128
    path.write_text(json.dumps(content))

    def report(event):
        run.events.append(event)
        if event.metrics is not None:
            path.with_suffix(".sigmf-data").unlink()

    run.infer(path, report=report, fields={"annotate": True})
    assert len(run.json()["predictions"]) == 2 and run.recordings()[0]["annotations"] is None
    assert any("no annotations" in text for text in run.messages("WARNING"))


def test_annotations_annotations_are_valid_and_open_with_the_samples(run):
    samples = np.concatenate([busy(2), np.zeros(2 * WINDOW, np.complex64), busy(1)])
    path = run.add_recording("a", samples)
    before = {file: file.read_bytes() for file in run.source.iterdir()}
    result = run.infer(path, fields={"annotate": True})
    (recording,) = run.recordings()
    assert recording["annotations"] == "a.sigmf-meta" and result["recordings"]["annotations"] == 1
    opened = sigmffile.fromfile(str(run.out / "a.sigmf-meta"))
    sigmf.validate.validate(opened.ordered_metadata())
    found = [
        (one["core:sample_start"], one["core:sample_count"], one["core:label"]) for one in opened.get_annotations()
    ]
    assert found == [
        (0, 2 * WINDOW, recording["segments"][0]["class_name"]),
        (4 * WINDOW, WINDOW, recording["segments"][-1]["class_name"]),
    ]
    assert opened.get_annotations()[0]["core:freq_lower_edge"] == CENTER_HZ - RATE_HZ / 2
    assert np.allclose(opened.read_samples(0, 100), samples[:100], atol=0.01)
    assert {file: file.read_bytes() for file in run.source.iterdir()} == before


def test_annotations_annotations_count_the_samples_of_the_recording_not_of_the_model(run):
    samples = np.concatenate([busy(2, rate_hz=3e6), np.zeros(150_000, np.complex64), busy(1, rate_hz=3e6)])
    run.infer(run.add_recording("a", samples, rate_hz=3e6), fields={"annotate": True})
    opened = sigmffile.fromfile(str(run.out / "a.sigmf-meta"))
    starts = [(one["core:sample_start"], one["core:sample_count"]) for one in opened.get_annotations()]
    # The low-pass filter rings into the windows beside the silence.
    assert starts == [(0, 90_000), (180_000, 60_000)]


def test_annotations_files_of_others_are_not_replaced(run):
    path = run.add_recording("a", busy(2))
    run.out.mkdir()
    (run.out / "a.sigmf-data").write_text("mine")
    with pytest.raises(RunError, match=r"a\.sigmf-data"):
        run.infer(path, fields={"annotate": True})
    assert (run.out / "a.sigmf-data").read_text() == "mine"
