import pickle
import tracemalloc

import numpy as np
import pytest
from scipy.io import wavfile

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.signals.recordings import is_recording, open_recording
from tests.support.iq_samples import SAMPLES, interleaved, read_all


@pytest.mark.parametrize("name", ["a.iq", "a.dat", "A.IQ"])
def test_recordings_without_a_header_are_float32_pairs(tmp_path, name):
    interleaved(SAMPLES).tofile(tmp_path / name)
    recording = open_recording(tmp_path / name, sample_rate_hz=100e6)
    assert (recording.sample_rate_hz, recording.data_type) == (100e6, "float32")
    assert (recording.sample_count, recording.is_complex) == (4, True)
    samples = recording.read(0, 4)
    assert samples.dtype == np.complex64
    np.testing.assert_array_equal(samples, SAMPLES)


@pytest.mark.parametrize(
    ("data_type", "stored", "expected"),
    [
        ("int16", [-32768, 16384, 0, 8192], [-1 + 0.5j, 0.25j]),
        ("int8", [-128, 64, 0, 32], [-1 + 0.5j, 0.25j]),
        ("uint8", [0, 255, 127, 128], [-1 + 1j, (-0.5 + 0.5j) / 127.5]),
        ("float32", [-2.0, 0.5, 0.0, 0.25], [-2 + 0.5j, 0.25j]),
    ],
)
def test_recordings_integers_are_scaled_to_one(tmp_path, data_type, stored, expected):
    np.array(stored, data_type).tofile(tmp_path / "a.bin")
    np.testing.assert_allclose(read_all(tmp_path / "a.bin", data_type=data_type), expected, rtol=1e-6)


def test_recordings_bin_must_be_told_its_type(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(16))
    with pytest.raises(InvalidInput, match=r"a\.bin.*int16") as caught:
        open_recording(tmp_path / "a.bin")
    assert caught.value.field == "data_type"


@pytest.mark.parametrize("data_type", ["int24", "complex64", "float16", ">f4", "object"])
def test_recordings_an_unknown_type_is_refused(tmp_path, data_type):
    (tmp_path / "a.iq").write_bytes(bytes(96))
    with pytest.raises(InvalidInput, match=data_type):
        open_recording(tmp_path / "a.iq", data_type=data_type)


@pytest.mark.parametrize("rate_hz", [0, -1.0, float("nan"), float("inf"), 1e13])
def test_recordings_a_rate_that_is_none_is_refused(tmp_path, rate_hz):
    (tmp_path / "a.iq").write_bytes(bytes(16))
    with pytest.raises(InvalidInput) as caught:
        open_recording(tmp_path / "a.iq", sample_rate_hz=rate_hz)
    assert caught.value.field == "sample_rate_hz"


@pytest.mark.parametrize("frequency_hz", [float("nan"), float("inf")])
def test_recordings_a_frequency_that_is_none_is_refused(tmp_path, frequency_hz):
    (tmp_path / "a.iq").write_bytes(bytes(16))
    with pytest.raises(InvalidInput) as caught:
        open_recording(tmp_path / "a.iq", center_frequency_hz=frequency_hz)
    assert caught.value.field == "center_frequency_hz"


@pytest.mark.parametrize("name", ["a.iq", "a.npy", "a.wav"])
def test_recordings_the_frequency_is_what_the_caller_says(tmp_path, name):
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, SAMPLES)
    elif path.suffix == ".wav":
        wavfile.write(path, 8000, interleaved(SAMPLES))
    else:
        interleaved(SAMPLES).tofile(path)
    assert open_recording(path).center_frequency_hz is None
    assert open_recording(path, center_frequency_hz=5.8e9).center_frequency_hz == 5.8e9


def test_recordings_any_part_can_be_read(tmp_path):
    samples = np.arange(100) + 1j * np.arange(100)[::-1]
    interleaved(samples).tofile(tmp_path / "a.iq")
    recording = open_recording(tmp_path / "a.iq")
    np.testing.assert_array_equal(recording.read(37, 5), samples[37:42])
    np.testing.assert_array_equal(recording.read(99, 1), samples[99:])
    assert recording.read(100, 0).shape == (0,)


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, 5), (4, 1), (1, -1), (10**12, 1)])
def test_recordings_reading_outside_is_refused(tmp_path, start, count):
    interleaved(SAMPLES).tofile(tmp_path / "a.iq")
    with pytest.raises(RunError, match=r"a\.iq: the range .* is outside its 4 samples"):
        open_recording(tmp_path / "a.iq").read(start, count)


def test_recordings_a_huge_recording_opens_and_reads_in_little_memory(tmp_path):
    with (tmp_path / "huge.iq").open("wb") as file:
        file.truncate(4 * 2**30)
        file.seek(4 * 2**30 - 8)
        file.write(interleaved(SAMPLES[:1]).tobytes())
    tracemalloc.start()
    try:
        recording = open_recording(tmp_path / "huge.iq")
        end = recording.read(recording.sample_count - 1000, 1000)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert recording.sample_count == 2**29
    assert end[-1] == SAMPLES[0]
    assert not end[:-1].any()
    assert peak_bytes < 2**20


def test_recordings_a_recording_pickles_without_its_samples(tmp_path):
    np.zeros((10_000, 2), np.float32).tofile(tmp_path / "a.iq")
    recording = open_recording(tmp_path / "a.iq")
    frozen = pickle.dumps(recording)
    assert len(frozen) < 2000
    assert pickle.loads(frozen) == recording


def test_recordings_what_is_not_finite_reads_as_nothing_received_and_is_told(tmp_path):
    samples = interleaved(SAMPLES)
    samples[1, 0], samples[3, 1] = np.nan, -np.inf
    samples.tofile(tmp_path / "a.iq")
    read, finite = open_recording(tmp_path / "a.iq").read_checked(0, 4)
    np.testing.assert_array_equal(read, [SAMPLES[0], 0, SAMPLES[2], 0])
    np.testing.assert_array_equal(finite, [True, False, True, False])
    np.testing.assert_array_equal(read_all(tmp_path / "a.iq"), read)


@pytest.mark.parametrize("suffix", [".iq", ".npy", ".wav"])
def test_recordings_the_file_is_not_changed(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    samples = interleaved(SAMPLES)
    samples[0] = np.nan
    {".iq": samples.tofile, ".npy": lambda file: np.save(file, samples)}.get(
        suffix, lambda file: wavfile.write(file, 1000, samples)
    )(path)
    before = path.read_bytes()
    read_all(path)[:] = 7
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("size", "samples", "cut"), [(17, 2, "last 1 byte is"), (8 * 1000 + 7, 1000, "last 7 bytes are")]
)
def test_recordings_a_cut_last_sample_is_left_out_and_named(tmp_path, size, samples, cut):
    (tmp_path / "a.iq").write_bytes(bytes(size))
    recording = open_recording(tmp_path / "a.iq")
    assert recording.sample_count == samples == len(recording.read(0, samples))
    (note,) = recording.notes
    assert note.level == "WARNING"
    assert cut in note.message


def test_recordings_a_file_of_less_than_one_sample_is_refused(tmp_path):
    (tmp_path / "a.iq").write_bytes(bytes(4))
    with pytest.raises(RunError, match=r"a\.iq: .*no samples.*4 bytes.*one sample has 8"):
        open_recording(tmp_path / "a.iq")


@pytest.mark.parametrize("suffix", [".iq", ".dat", ".npy", ".wav"])
def test_recordings_missing_and_empty_files_are_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(RunError, match=r"a\..*no such file"):
        open_recording(path)
    path.touch()
    with pytest.raises(RunError, match=r"a\..*empty"):
        open_recording(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError, match=r"a\..*not a file"):
        open_recording(path)


@pytest.mark.parametrize("name", ["a.txt", "a.md5", "a.iq.gz"])
def test_recordings_an_unknown_suffix_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(8))
    with pytest.raises(RunError, match=r"\.iq"):
        open_recording(tmp_path / name)


def test_recordings_a_file_that_became_shorter_is_noticed(tmp_path):
    path = tmp_path / "a.iq"
    path.write_bytes(bytes(800))
    recording = open_recording(path)
    path.write_bytes(bytes(80))
    with pytest.raises(RunError, match=r"a\.iq.*shorter"):
        recording.read(0, 100)
    path.unlink()
    with pytest.raises(RunError, match=r"a\.iq"):
        recording.read(0, 100)


def test_recordings_are_known_by_their_names(tmp_path):
    assert is_recording(tmp_path / "x.IQ")
    assert not is_recording(tmp_path / ".x.iq")
    assert not is_recording(tmp_path / "x.png")
