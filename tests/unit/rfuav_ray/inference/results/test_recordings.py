"""Recordings in, answers out: windows, verdicts, settings."""

import json

import numpy as np
import pytest

from rfuav_ray.api.requests import InferenceRequest, SpectrogramRequest
from rfuav_ray.api.results import InferenceResult, RecordingPredictions
from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.spectrogram import iter_spectrograms, save_spectrogram
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.inference_runs import CENTER_HZ, RATE_HZ, STFT, WINDOW, busy
from tests.support.typed_dicts import assert_is

pytestmark = pytest.mark.usefixtures("one_thread", "model_knows_spectrograms")


def test_recordings_give_a_row_for_each_window(run):
    path = run.add_recording("a", busy(3.5))
    result = run.infer(path)
    rows = run.json()["predictions"]
    assert [(row["file"], row["frame"], row["time_s"]) for row in rows] == [
        ("a.sigmf-meta", frame, pytest.approx(frame * 0.01)) for frame in range(3)
    ]
    assert all(row["unknown"] is None and len(row["top5"]) == 5 for row in rows)
    assert_is(InferenceResult, result)
    assert result["images"] == 0 and sum(result["classes"].values()) == 3
    totals = result["recordings"]
    assert (totals["recordings"], totals["windows"], totals["empty_windows"]) == (1, 3, 0)
    assert totals["duration_s"] == pytest.approx(0.035)
    assert totals["verdicts"] == {run.recordings()[0]["verdict"]["class_name"]: 1}
    assert result["real_time_factor"] == totals["real_time_factor"] > 0


def test_recordings_the_verdict_is_the_mean_of_the_windows(run):
    run.infer(run.add_recording("a", busy(4)))
    assert_is(RecordingPredictions, json.loads((run.out / "recordings.json").read_text()))
    (recording,) = run.recordings()
    rows = run.json()["predictions"]
    verdict = recording["verdict"]
    of_class = [row["top5"] for row in rows]
    means = [
        next(one["probability"] for one in top5 if one["class_name"] == verdict["class_name"]) for top5 in of_class
    ]
    assert verdict["probability"] == pytest.approx(np.mean(means), abs=1e-5)
    assert verdict["share"] == np.mean([row["class_name"] == verdict["class_name"] for row in rows])
    assert (recording["file"], recording["windows"], recording["first_row"], recording["rows"]) == (
        *("a.sigmf-meta", 4),
        *(0, 4),
    )
    assert (recording["sample_rate_hz"], recording["center_frequency_hz"]) == (RATE_HZ, CENTER_HZ)
    assert recording["segments"][0]["start_s"] == 0
    assert recording["segments"][-1]["end_s"] == pytest.approx(0.04)


@pytest.mark.parametrize("style", ["rfuav", "peak"])
@pytest.mark.parametrize("image_size", [48, 32, 100])
def test_recordings_are_classified_as_their_spectrograms_are(run, style, image_size):
    """The images of the spectrogram route, classified as images, give the same probabilities."""
    run.knows_spectrograms(style=style, image_size=image_size, overlap=0.5)
    path = run.add_recording("a", busy(3))
    run.infer(path, fields={"precision": "fp32"})
    windows = run.json()["predictions"]
    settings = StftSettings(**{**STFT, "style": style, "image_size": image_size, "overlap": 0.5})
    images = run.folder / "images"
    for one in iter_spectrograms(open_recording(path), settings):
        save_spectrogram(images / f"{one.index:05d}.png", one.image)
    run.infer(images, fields={"precision": "fp32"})
    rows = run.json()["predictions"]
    assert len(rows) == len(windows) == 5
    for row, window in zip(rows, windows, strict=True):
        assert [one["class_name"] for one in row["top5"]] == [one["class_name"] for one in window["top5"]]
        assert row["probability"] == pytest.approx(window["probability"], abs=1e-4)


def test_recordings_and_images_of_a_folder_are_classified_in_the_order_of_their_names(run):
    run.add_images("a.png", "c.png")
    run.add_recording("b", busy(2))
    result = run.infer()
    assert [(row["file"], row["frame"]) for row in run.json()["predictions"]] == [
        ("a.png", None),
        *(("b.sigmf-meta", frame) for frame in range(2)),
        ("c.png", None),
    ]
    assert (result["images"], result["recordings"]["windows"], result["left_out"]) == (2, 2, {})
    (recording,) = run.recordings()
    assert (recording["first_row"], recording["rows"]) == (1, 2)
    assert run.messages()[0].startswith("Classifying 2 images and 1 recording (0.02 s in 2 windows)")


@pytest.mark.parametrize("level", [0, 0.3 + 0.1j])
def test_recordings_windows_without_a_signal_name_no_class(run, level):
    samples = np.concatenate([busy(2), np.full(2 * WINDOW, level, np.complex64), busy(1)])
    result = run.infer(run.add_recording("a", samples))
    rows = run.json()["predictions"]
    assert [row["class_name"] is None for row in rows] == [False, False, True, True, False]
    assert rows[2]["probability"] is rows[2]["class_index"] is None and rows[2]["top5"] == []
    (recording,) = run.recordings()
    assert recording["empty_windows"] == result["recordings"]["empty_windows"] == 2
    spans = [(one["start_s"], one["end_s"]) for one in recording["segments"]]
    assert spans == [pytest.approx((0, 0.02)), pytest.approx((0.04, 0.05))]
    assert [row["class_name"] for row in run.csv()][2] == ""


def test_recordings_silence_has_no_verdict(run):
    run.infer(run.add_recording("a", np.zeros(3 * WINDOW, np.complex64)))
    (recording,) = run.recordings()
    assert recording["verdict"] is None and recording["segments"] == []
    assert "nothing is on the air" in run.messages()[-1]


@pytest.mark.parametrize(("stft_points", "image_size"), [(32, None), (128, 32)])
def test_recordings_pictures_have_the_size_of_the_model_whatever_is_drawn(run, stft_points, image_size):
    run.knows_spectrograms(style="peak", stft_points=stft_points, image_size=image_size)
    run.infer(run.add_recording("a", busy(2)), fields={"precision": "fp32"})
    seen = [row["probability"] for row in run.json()["predictions"]]
    settings = StftSettings(**{**STFT, "style": "peak", "stft_points": stft_points, "image_size": image_size})
    images = run.folder / "images"
    for one in iter_spectrograms(open_recording(run.source / "a.sigmf-meta"), settings):
        save_spectrogram(images / f"{one.index}.png", one.image)
    run.infer(images, fields={"precision": "fp32"})
    assert [row["probability"] for row in run.json()["predictions"]] == pytest.approx(seen, abs=1e-4)


def test_recordings_settings_that_cannot_be_used_fail_beside_images_too(run):
    run.add_images("a.png")
    run.add_recording("b", busy(2))
    with pytest.raises(InvalidInput, match="fewer than stft_points"):
        run.infer(fields={"duration_s": 1e-5})


def test_recordings_a_model_without_settings_needs_them_from_the_request(run):
    run.config = run.config.model_copy(update={"stft": None})
    run.knows_spectrograms()
    text = (run.folder / "model.yaml").read_text()
    (run.folder / "model.yaml").write_text(text[: text.index("stft:")])
    path = run.add_recording("a", busy(2))
    with pytest.raises(InvalidInput, match="style, stft_points, duration_s"):
        run.infer(path)
    run.infer(path, fields={"style": "rfuav", "stft_points": 128, "duration_s": 0.01})
    assert len(run.json()["predictions"]) == 2
    run.add_images("b.png")
    result = run.infer()
    assert (result["images"], result["left_out"]) == (1, {"recording": 1})
    assert "recordings" not in result


def test_recordings_a_setting_of_the_request_wins_over_the_model_and_is_named(run):
    path = run.add_recording("a", busy(4))
    run.infer(path, fields={"duration_s": 0.02, "style": "peak"})
    assert len(run.json()["predictions"]) == 2
    differing = [text for text in run.messages("WARNING") if "differ" in text]
    assert len(differing) == 2 and any("duration_s 0.02 and 0.01" in text for text in differing)


def test_recordings_fields_without_effect_are_named(run):
    run.add_images("a.png")
    run.infer(fields={"duration_s": 0.02, "annotate": True})
    (warning,) = run.messages("WARNING")
    assert "no recordings" in warning and "duration_s, annotate" in warning


def test_recordings_overlap_gives_windows_in_between(run):
    run.infer(run.add_recording("a", busy(3)), fields={"overlap": 0.5})
    assert [row["time_s"] for row in run.json()["predictions"]] == pytest.approx([0, 0.005, 0.01, 0.015, 0.02])


def test_recordings_below_the_threshold_are_unknown(run):
    run.config = run.config.model_copy(update={"stft": STFT})
    with (run.folder / "model.yaml").open("a") as file:
        file.write("calibration: {temperature: 100, threshold: 0.5}\n")
    result = run.infer(run.add_recording("a", busy(3)))
    assert all(row["unknown"] is True for row in run.json()["predictions"])
    (recording,) = run.recordings()
    assert recording["verdict"]["unknown"] is True and recording["segments"] == []
    assert result["recordings"]["unknown"] == 1
    assert recording["verdict"]["probability"] == pytest.approx(1 / 7, abs=0.01)


def test_recordings_requests_of_spectrograms_and_of_inferences_share_their_bounds():
    for name in ("style", "sample_rate_hz", "data_type", "stft_points", "duration_s", "overlap", "variable"):
        drawn = str(SpectrogramRequest.model_json_schema()["properties"][name])
        classified = str(InferenceRequest.model_json_schema()["properties"][name])
        for bound in ("minimum", "maximum", "enum", "exclusiveMinimum"):
            assert (bound in drawn) == (bound in classified), (name, bound)
