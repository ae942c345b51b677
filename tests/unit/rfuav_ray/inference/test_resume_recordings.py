"""An inference on recordings that was killed goes on after the last window, and ends as if nothing had been."""

import pytest

from rfuav_ray.errors import RunInterrupted
from rfuav_ray.models.config import Calibration, save_model_config
from tests.support.inference_runs import RATE_HZ, Run
from tests.support.interruptions import stopping_after
from tests.support.signals import noise, tone

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.long]

WINDOWS, WINDOW = 6, 10_000
#: among the energies of the windows of a resnet18
ENERGY = 1.9
RESULTS = [
    *("predictions.csv", "predictions.json", "predictions.jsonl", "predictions.index"),
    *("recordings.index", "a.sigmf-meta", "b.sigmf-meta"),
]


class TwoRecordings(Run):
    def __init__(self, folder, **options):
        super().__init__(folder, **options)
        self.knows_spectrograms()
        for number, name in enumerate("ab"):
            count = WINDOWS * WINDOW
            self.add_recording(name, 0.05 * noise(count, number) + 0.5 * tone(1e5 * (1 + number), RATE_HZ, count))
        self.out = folder / "whole"
        self.classify()
        self.whole = contents(self)
        self.out = folder / "out"
        self.events.clear()

    def classify(self, **options):
        return self.infer(batch_size=2, run_id="task", resume=True, fields={"annotate": True}, **options)


@pytest.fixture
def run(tmp_path):
    return TwoRecordings(tmp_path)


def contents(run):
    recordings = [{**one, "real_time_factor": None} for one in run.recordings()]
    return (
        recordings,
        [(run.out / name).read_bytes() for name in RESULTS[:4]],
        [(run.out / name).read_text() for name in RESULTS[5:]],
    )


def stop_after(run, batches, error):
    with pytest.raises(error):
        run.classify(report=stopping_after(batches, error))


@pytest.mark.parametrize("error", [RunInterrupted, KeyboardInterrupt])
@pytest.mark.parametrize("batches", [1, 3, 5, 6])
def test_resume_recordings_goes_on_after_the_last_window(run, batches, error):
    stop_after(run, batches, error)
    run.classify()
    assert run.messages()[0] == f"Resuming after {2 * batches} of {2 * WINDOWS} windows."
    assert contents(run) == run.whole


def test_resume_recordings_a_changed_recording_is_classified_again(run):
    stop_after(run, 4, RunInterrupted)
    run.add_recording("b", noise(WINDOWS * WINDOW, 5))
    run.classify()
    assert f"Resuming after {WINDOWS} of {2 * WINDOWS} windows." in run.messages()
    assert any("b.sigmf-meta" in text and "resumes before it" in text for text in run.messages("WARNING"))


def calibrated(run, **values):
    """Write a calibration into the model's config."""
    run.config = run.config.model_copy(update={"calibration": Calibration(**values)})
    save_model_config(run.folder / "model.yaml", run.config)


def test_resume_recordings_keep_the_scores_of_the_windows_before(tmp_path):
    run = TwoRecordings(tmp_path, model="resnet18")
    calibrated(run, score="energy", threshold=ENERGY)
    run.out = run.folder / "calibrated"
    run.classify()
    expected = contents(run)
    assert {row["unknown"] for row in run.json()["predictions"]} == {True, False}
    run.out = run.folder / "out"
    stop_after(run, 3, RunInterrupted)
    run.classify()
    assert f"Resuming after 6 of {2 * WINDOWS} windows." in run.messages()
    assert contents(run) == expected


def test_resume_recordings_another_threshold_begins_anew(run):
    calibrated(run, score="energy", threshold=ENERGY)
    stop_after(run, 4, RunInterrupted)
    calibrated(run, score="max_logit", threshold=ENERGY)
    run.classify()
    assert "starts from the beginning" in run.messages("WARNING")[0]


def test_resume_recordings_other_settings_begin_anew(run):
    stop_after(run, 4, RunInterrupted)
    run.knows_spectrograms(overlap=0.5)
    run.classify()
    assert "starts from the beginning" in run.messages("WARNING")[0]
    assert len(run.json()["predictions"]) == 2 * (2 * WINDOWS - 1)
