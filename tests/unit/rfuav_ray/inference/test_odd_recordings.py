"""Recordings of other rates, that are cut off, changed, no numbers, linked or no recordings."""

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from tests.support.inference_runs import RATE_HZ, WINDOW, busy

pytestmark = pytest.mark.usefixtures("one_thread", "model_knows_spectrograms")


def test_odd_recordings_a_higher_rate_is_resampled_and_told(run):
    samples = busy(3, rate_hz=2.5e6)
    result = run.infer(run.add_recording("a", samples, rate_hz=2.5e6))
    (recording,) = run.recordings()
    assert (recording["windows"], recording["sample_rate_hz"]) == (3, 2.5e6)
    assert any("2.5 MS/s" in warning and "1 MS/s" in warning for warning in run.messages("WARNING"))
    assert result["recordings"]["windows"] == 3


def test_odd_recordings_a_resampled_one_looks_like_one_at_the_rate_of_the_model(run):
    run.infer(run.add_recording("a", busy(3)), fields={"precision": "fp32"})
    expected = [row["probability"] for row in run.json()["predictions"]]
    run.infer(run.add_recording("b", busy(3, rate_hz=4e6), rate_hz=4e6), fields={"precision": "fp32"})
    found = [row["probability"] for row in run.json()["predictions"]]
    assert found == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("rate_hz", "fields", "reason"),
    [
        (0.5e6, {}, "0.5 MS/s, and the model was trained at 1 MS/s"),
        (2e6, {"on_rate_mismatch": "refuse"}, "2 MS/s, and the model was trained at 1 MS/s"),
    ],
)
def test_odd_recordings_at_a_rate_that_does_not_fit_are_refused(run, rate_hz, fields, reason):
    path = run.add_recording("a", busy(3), rate_hz=rate_hz)
    with pytest.raises(RunError, match=reason):
        run.infer(path, fields=fields)


def test_odd_recordings_tables_beside_images_are_left_out(run):
    run.add_images("a.png")
    (run.source / "labels.csv").write_text("1,2\n3,4\n5,6\n")
    result = run.infer()
    assert (result["images"], result["failed"], result["left_out"]) == (1, [], {"no_rate": 1})
    assert "recordings" not in result


def test_odd_recordings_a_model_without_a_rate_says_that_it_cannot_compare(run):
    del run.config.stft["sample_rate_hz"]
    run.knows_spectrograms()
    text = (run.folder / "model.yaml").read_text().replace("  sample_rate_hz: 1000000.0\n", "")
    (run.folder / "model.yaml").write_text(text)
    run.infer(run.add_recording("a", busy(2, rate_hz=4e6), rate_hz=4e6))
    assert len(run.json()["predictions"]) == 2
    assert any("does not state the sample rate" in text for text in run.messages("WARNING"))


def test_odd_recordings_what_is_left_at_the_end_is_told(run):
    run.infer(run.add_recording("a", busy(1.9)))
    assert any("left at its end" in text for text in run.messages())


def test_odd_recordings_links_out_of_the_roots_are_not_followed(run, tmp_path_factory):
    path = run.add_recording("a", busy(2))
    secret = tmp_path_factory.mktemp("outside") / "secret.sigmf-data"
    path.with_suffix(".sigmf-data").rename(secret)
    path.with_suffix(".sigmf-data").symlink_to(secret)
    with pytest.raises(RunError, match="out of DATA_ROOTS"):
        run.infer(path, roots=[run.folder])


def test_odd_recordings_without_a_rate_are_named_in_a_folder(run):
    run.add_recording("a", busy(2))
    busy(2).tofile(run.source / "b.cf32")
    result = run.infer()
    assert result["failed"] == ["b.cf32"]
    assert (result["recordings"]["recordings"], result["recordings"]["failed_recordings"]) == (1, 1)
    (warning,) = (text for text in run.messages("WARNING") if "b.cf32" in text and "skipped" in text)
    assert "set sample_rate_hz" in warning
    run.infer(fields={"sample_rate_hz": RATE_HZ})
    assert [recording["windows"] for recording in run.recordings()] == [2, 2]


def test_odd_recordings_that_are_too_short_are_named(run):
    with pytest.raises(RunError, match="one spectrogram needs 10000"):
        run.infer(run.add_recording("a", busy(0.5)))


def test_odd_recordings_that_change_while_they_are_read_are_told_of(run):
    path = run.add_recording("a", busy(4))

    def report(event):
        run.events.append(event)
        if event.metrics is not None:
            with path.with_suffix(".sigmf-data").open("ab") as file:
                file.write(b"\0" * 2 * WINDOW)

    run.infer(path, report=report, batch_size=2)
    assert len(run.json()["predictions"]) == 4
    assert any("changed while it was read" in text for text in run.messages("WARNING"))


def test_odd_recordings_that_become_shorter_lose_the_windows_that_are_gone(run):
    path = run.add_recording("a", busy(40))
    is_cut = []

    def report(event):
        run.events.append(event)
        if event.metrics is not None and not is_cut:
            is_cut.append(True)
            with path.with_suffix(".sigmf-data").open("r+b") as file:
                file.truncate(4 * WINDOW)

    result = run.infer(path, report=report, batch_size=2)
    rows, totals = run.json()["predictions"], result["recordings"]
    assert 2 <= len(rows) < 40 and totals["failed_windows"] == 40 - len(rows)
    assert len([text for text in run.messages("WARNING") if "skipped" in text]) == 1


def test_odd_recordings_nan_samples_do_not_spoil_their_window(run):
    samples = busy(3)
    samples[WINDOW : WINDOW + 100] = np.nan
    samples.tofile(run.source / "a.cf32")
    run.infer(run.source / "a.cf32", fields={"sample_rate_hz": RATE_HZ})
    assert all(0 < row["probability"] <= 1 for row in run.json()["predictions"])
    assert run.recordings()[0]["bad_samples"] == 100
    assert any("a.cf32: 100 samples were NaN" in text for text in run.messages("WARNING"))


def test_odd_recordings_a_window_of_nothing_but_nan_cannot_be_read(run):
    samples = busy(3)
    samples[WINDOW : 2 * WINDOW] = np.nan
    samples.tofile(run.source / "a.cf32")
    result = run.infer(run.source / "a.cf32", fields={"sample_rate_hz": RATE_HZ})
    assert [row["frame"] for row in run.json()["predictions"]] == [0, 2]
    assert (result["recordings"]["failed_windows"], result["recordings"]["empty_windows"]) == (1, 0)
    assert "1 could not be read" in run.messages()[-1]


def test_odd_recordings_real_signals(run):
    values = busy(3).real.astype("<f4")
    values.tofile(run.source / "a.f32")
    run.infer(run.source / "a.f32", fields={"sample_rate_hz": RATE_HZ})
    assert len(run.json()["predictions"]) == 3
