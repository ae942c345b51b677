"""SigMF data and metadata that cannot be used, and which files belong together."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.spectrogram import iter_spectrograms
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.iq_samples import interleaved
from tests.support.sigmf_files import SAMPLES, write, write_metadata


@pytest.mark.parametrize(
    "dataset",
    [
        "../a.iq",
        "/etc/hostname",
        "sub/a.iq",
        "sub\\a.iq",
        "..",
        ".",
        "",
        "C:a.iq",
        "a\0.iq",
        "x" * 256,
        "飞" * 86,
        "\ud800",
        7,
    ],
)
def test_fields_outside_the_folder_are_refused(tmp_path, dataset):
    folder = tmp_path / "inside"
    (folder / "sub").mkdir(parents=True)
    for path in (tmp_path / "a.iq", folder / "sub" / "a.iq"):
        path.write_bytes(interleaved(SAMPLES).tobytes())
    with pytest.raises(RunError, match=r"a\.sigmf-meta: core:dataset is .* in the same folder"):
        open_recording(write_metadata(folder, dataset=dataset))


def test_fields_channels_cannot_be_told_apart(tmp_path):
    with pytest.raises(RunError, match=r"a\.sigmf-meta: core:num_channels is 2"):
        open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le", num_channels=2))


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), "20e6", True, [], 1e13, 10**400])
def test_fields_a_rate_that_is_none_is_refused(tmp_path, rate):
    with pytest.raises(RunError, match=r"a\.sigmf-meta: core:sample_rate is "):
        open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le", sample_rate=rate))


def test_fields_a_recording_need_not_say_its_rate(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le", sample_rate=None)
    assert open_recording(path).sample_rate_hz is None
    assert open_recording(path, sample_rate_hz=1e6).sample_rate_hz == 1e6


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"not JSON", "is not JSON"),
        (b'{"global": {"core:datatype": "cf32_le"', "is not JSON"),
        (b"\xff\xfe\xfd", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"global": {"core:sample_rate": ' + b"9" * 10_000 + b"}}", "is not JSON"),
        (b"[]", "no object 'global'"),
        (b"5", "no object 'global'"),
        (b"null", "no object 'global'"),
        (b"{}", "no object 'global'"),
        (b'{"global": []}', "no object 'global'"),
        (b'{"global": null}', "no object 'global'"),
        (b'{"global": {}}', "core:datatype is missing"),
        (b'{"global": {"core:datatype": "cf32_le"}, "captures": null}', "captures"),
        (b'{"global": {"core:datatype": "cf32_le"}, "captures": [1]}', "captures"),
        (b'{"global": {}}' + b" " * 10_000_000, "larger than 10 MB"),
    ],
)
def test_fields_metadata_that_cannot_be_used_are_named_with_the_reason(tmp_path, content, reason):
    (tmp_path / "a.sigmf-meta").write_bytes(content)
    (tmp_path / "a.sigmf-data").write_bytes(interleaved(SAMPLES).tobytes())
    with pytest.raises(RunError, match=rf"a\.sigmf-meta: .*{reason}"):
        open_recording(tmp_path / "a.sigmf-meta", sample_rate_hz=1e6)


def test_fields_metadata_with_a_byte_order_mark_or_without_annotations_and_captures_are_read(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le")
    fields = json.loads(path.read_text())["global"]
    path.write_text(json.dumps({"global": fields}), encoding="utf-8-sig")
    np.testing.assert_array_equal(open_recording(path).read(0, 4), SAMPLES)


@pytest.mark.parametrize(
    "fields",
    [
        {"trailing_bytes": -1},
        {"trailing_bytes": 1.5},
        {"trailing_bytes": 10**30},
        {"captures": [{"core:header_bytes": "4"}]},
        {"captures": [{"core:header_bytes": True}]},
        {"captures": [{}, {"core:header_bytes": 8}]},
    ],
)
def test_fields_bytes_to_leave_out_that_cannot_be(tmp_path, fields):
    with pytest.raises(RunError, match=r"a\.sigmf-meta: core:(header|trailing)_bytes"):
        open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le", **fields))


@pytest.mark.parametrize(
    ("size", "datatype", "fields", "reason"),
    [
        (0, "cf32_le", {}, "empty"),
        (1, "ci16_le", {}, "holds no samples"),
        (8, "cf32_le", {"trailing_bytes": 8}, "holds no samples"),
        (8, "cf32_le", {"captures": [{"core:header_bytes": 100}]}, "holds no samples"),
    ],
)
def test_fields_that_do_not_fit_are_named(tmp_path, size, datatype, fields, reason):
    path = write(tmp_path, np.zeros(size, np.uint8), datatype, **fields)
    with pytest.raises(RunError, match=rf"a\.sigmf-data: .*{reason}"):
        open_recording(path)


@pytest.mark.parametrize(("datatype", "samples"), [("ci16_le", 1), ("rf32_be", 1)])
def test_fields_a_cut_last_sample_is_left_out_and_named(tmp_path, datatype, samples):
    recording = open_recording(write(tmp_path, np.zeros(6, np.uint8), datatype))
    assert recording.sample_count == samples
    assert "the last 2 bytes are no whole sample" in recording.notes[0].message


@pytest.mark.parametrize(("dataset", "name"), [(None, "a.sigmf-data"), ("b.bin", "b.bin"), ("飞" * 85, "飞" * 85)])
def test_fields_missing_data_are_named(tmp_path, dataset, name):
    path = write_metadata(tmp_path, dataset=dataset)
    with pytest.raises(RunError, match=rf"a\.sigmf-meta: the data file is missing\. Put {name} beside"):
        open_recording(path)
    (tmp_path / name).mkdir()
    with pytest.raises(RunError, match="not a file"):
        open_recording(path)


def test_fields_a_recording_pickles_small_and_reads_elsewhere(tmp_path):
    recording = open_recording(write(tmp_path, interleaved(SAMPLES, ">f4"), "cf32_be"))
    frozen = pickle.dumps(recording)
    assert len(frozen) < 2000
    np.testing.assert_array_equal(pickle.loads(frozen).read(2, 2), SAMPLES[2:])


def test_fields_checksums_are_not_looked_at_so_a_huge_recording_opens_at_once(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES), "ci16_le", sha512="0" * 128)
    with (tmp_path / "a.sigmf-data").open("r+b") as file:
        file.truncate(4 * 2**30)
    tracemalloc.start()
    try:
        recording = open_recording(path)
        assert not recording.read(recording.sample_count - 1000, 1000).any()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert recording.sample_count == 2**30


def test_fields_that_became_shorter_are_noticed(tmp_path):
    recording = open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le"))
    (tmp_path / "a.sigmf-data").write_bytes(bytes(8))
    with pytest.raises(RunError, match=r"a\.sigmf-data.*shorter"):
        recording.read(0, 4)


@pytest.mark.parametrize("form", ["iq", "ci16_le", "cf32_be"])
@pytest.mark.parametrize("frequency_hz", [10e6, -20e6])
def test_fields_a_tone_is_in_the_row_of_its_frequency(tmp_path, form, frequency_hz):
    """Row 0 is at +rate/2 and row 640 would be at -rate/2: row = 640 * (rate/2 - frequency) / rate."""
    rate_hz, count = 100e6, 200_000
    noise = np.random.default_rng(0).standard_normal((count, 2), np.float32).view(np.complex64)[:, 0]
    samples = 0.5 * np.exp(2j * np.pi * frequency_hz / rate_hz * np.arange(count)) + 0.003 * noise
    if form == "iq":
        interleaved(samples).tofile(tmp_path / "a.iq")
        recording = open_recording(tmp_path / "a.iq", sample_rate_hz=rate_hz)
    else:
        stored = interleaved(samples, ">f4") if form == "cf32_be" else interleaved(samples * 32768, "<i2")
        recording = open_recording(write(tmp_path, stored, form, sample_rate=rate_hz))
    # Gray, for jet's brightest red is not the highest level's.
    (drawn,) = iter_spectrograms(recording, StftSettings(duration_s=0.002, colormap="gray", db_range=(-60.0, 0.0)))
    assert drawn.image.shape == (640, 640, 3)
    brightness = drawn.image[..., 0].mean(axis=1)
    assert brightness.max() > brightness.mean() + 50
    assert abs(int(brightness.argmax()) - 640 * (rate_hz / 2 - frequency_hz) / rate_hz) <= 1
