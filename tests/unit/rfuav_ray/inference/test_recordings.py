"""Recordings in, answers out: windows, verdicts, segments, annotations."""

import json

import numpy as np
import pytest
import sigmf
from sigmf import sigmffile

from rfuav_ray.api.requests import InferenceRequest, SpectrogramRequest
from rfuav_ray.api.results import InferenceResult, RecordingPredictions
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.spectrogram import iter_spectrograms, save_spectrogram
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.inference_runs import CENTER_HZ, RATE_HZ, STFT
from tests.support.signals import noise, tone
from tests.support.typed_dicts import assert_is

pytestmark = pytest.mark.usefixtures("one_thread")

WINDOW = 10_000


@pytest.fixture
def run(run):
    run.knows_spectrograms()
    return run


def busy(windows, *, frequency_hz=1e5, rate_hz=RATE_HZ):
    """Samples of windows in which something is on the air."""
    count = round(windows * WINDOW * rate_hz / RATE_HZ)
    return 0.02 * noise(count) + 0.5 * tone(frequency_hz, rate_hz, count)


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


def test_recordings_images_can_be_kept(run):
    path = run.add_recording("deep/a", busy(2))
    run.add_recording("b", busy(1))
    run.infer(run.source, fields={"save_images": True})
    files = sorted(str(file.relative_to(run.out)) for file in (run.out / "images").rglob("*.png"))
    assert files == ["images/b_00000.png", "images/deep/a_00000.png", "images/deep/a_00001.png"]
    assert path.exists()


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


def test_recordings_a_higher_rate_is_resampled_and_told(run):
    samples = busy(3, rate_hz=2.5e6)
    result = run.infer(run.add_recording("a", samples, rate_hz=2.5e6))
    (recording,) = run.recordings()
    assert (recording["windows"], recording["sample_rate_hz"]) == (3, 2.5e6)
    assert any("2.5 MS/s" in warning and "1 MS/s" in warning for warning in run.messages("WARNING"))
    assert result["recordings"]["windows"] == 3


def test_recordings_a_resampled_one_looks_like_one_at_the_rate_of_the_model(run):
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
def test_recordings_at_a_rate_that_does_not_fit_are_refused(run, rate_hz, fields, reason):
    path = run.add_recording("a", busy(3), rate_hz=rate_hz)
    with pytest.raises(RunError, match=reason):
        run.infer(path, fields=fields)


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


def test_recordings_tables_beside_images_are_left_out(run):
    run.add_images("a.png")
    (run.source / "labels.csv").write_text("1,2\n3,4\n5,6\n")
    result = run.infer()
    assert (result["images"], result["failed"], result["left_out"]) == (1, [], {"no_rate": 1})
    assert "recordings" not in result


def test_recordings_a_model_without_a_rate_says_that_it_cannot_compare(run):
    del run.config.stft["sample_rate_hz"]
    run.knows_spectrograms()
    text = (run.folder / "model.yaml").read_text().replace("  sample_rate_hz: 1000000.0\n", "")
    (run.folder / "model.yaml").write_text(text)
    run.infer(run.add_recording("a", busy(2, rate_hz=4e6), rate_hz=4e6))
    assert len(run.json()["predictions"]) == 2
    assert any("does not state the sample rate" in text for text in run.messages("WARNING"))


def test_recordings_what_is_left_at_the_end_is_told(run):
    run.infer(run.add_recording("a", busy(1.9)))
    assert any("left at its end" in text for text in run.messages())


def test_recordings_that_vanish_before_their_annotations_keep_their_predictions(run):
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


def test_recordings_links_out_of_the_roots_are_not_followed(run):
    path = run.add_recording("a", busy(2))
    secret = run.folder / "secret.sigmf-data"
    path.with_suffix(".sigmf-data").rename(secret)
    path.with_suffix(".sigmf-data").symlink_to(secret)
    with pytest.raises(RunError, match="outside of DATA_ROOTS"):
        run.infer(path, roots=[run.source])


def test_recordings_without_a_rate_are_named_in_a_folder(run):
    run.add_recording("a", busy(2))
    busy(2).tofile(run.source / "b.cf32")
    result = run.infer()
    assert result["failed"] == ["b.cf32"]
    assert (result["recordings"]["recordings"], result["recordings"]["failed_recordings"]) == (1, 1)
    (warning,) = (text for text in run.messages("WARNING") if "b.cf32" in text and "skipped" in text)
    assert "set sample_rate_hz" in warning
    run.infer(fields={"sample_rate_hz": RATE_HZ})
    assert [recording["windows"] for recording in run.recordings()] == [2, 2]


def test_recordings_that_are_too_short_are_named(run):
    with pytest.raises(RunError, match="one spectrogram needs 10000"):
        run.infer(run.add_recording("a", busy(0.5)))


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


def test_recordings_annotations_are_valid_and_open_with_the_samples(run):
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


def test_recordings_annotations_count_the_samples_of_the_recording_not_of_the_model(run):
    samples = np.concatenate([busy(2, rate_hz=3e6), np.zeros(150_000, np.complex64), busy(1, rate_hz=3e6)])
    run.infer(run.add_recording("a", samples, rate_hz=3e6), fields={"annotate": True})
    opened = sigmffile.fromfile(str(run.out / "a.sigmf-meta"))
    starts = [(one["core:sample_start"], one["core:sample_count"]) for one in opened.get_annotations()]
    # The low-pass filter rings into the windows beside the silence.
    assert starts == [(0, 90_000), (180_000, 60_000)]


def test_recordings_files_of_others_are_not_replaced(run):
    path = run.add_recording("a", busy(2))
    run.out.mkdir()
    (run.out / "a.sigmf-data").write_text("mine")
    with pytest.raises(RunError, match=r"a\.sigmf-data"):
        run.infer(path, fields={"annotate": True})
    assert (run.out / "a.sigmf-data").read_text() == "mine"


def test_recordings_that_change_while_they_are_read_are_told_of(run):
    path = run.add_recording("a", busy(4))

    def report(event):
        run.events.append(event)
        if event.metrics is not None:
            with path.with_suffix(".sigmf-data").open("ab") as file:
                file.write(b"\0" * 2 * WINDOW)

    run.infer(path, report=report, batch_size=2)
    assert len(run.json()["predictions"]) == 4
    assert any("changed while it was read" in text for text in run.messages("WARNING"))


def test_recordings_that_become_shorter_lose_the_windows_that_are_gone(run):
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


def test_recordings_nan_samples_do_not_spoil_their_window(run):
    samples = busy(3)
    samples[WINDOW : WINDOW + 100] = np.nan
    samples.tofile(run.source / "a.cf32")
    run.infer(run.source / "a.cf32", fields={"sample_rate_hz": RATE_HZ})
    assert all(0 < row["probability"] <= 1 for row in run.json()["predictions"])
    assert run.recordings()[0]["bad_samples"] == 100
    assert any("a.cf32: 100 samples were NaN" in text for text in run.messages("WARNING"))


def test_recordings_a_window_of_nothing_but_nan_cannot_be_read(run):
    samples = busy(3)
    samples[WINDOW : 2 * WINDOW] = np.nan
    samples.tofile(run.source / "a.cf32")
    result = run.infer(run.source / "a.cf32", fields={"sample_rate_hz": RATE_HZ})
    assert [row["frame"] for row in run.json()["predictions"]] == [0, 2]
    assert (result["recordings"]["failed_windows"], result["recordings"]["empty_windows"]) == (1, 0)
    assert "1 could not be read" in run.messages()[-1]


def test_recordings_real_signals(run):
    values = busy(3).real.astype("<f4")
    values.tofile(run.source / "a.f32")
    run.infer(run.source / "a.f32", fields={"sample_rate_hz": RATE_HZ})
    assert len(run.json()["predictions"]) == 3


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
