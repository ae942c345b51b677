import pickle
import tracemalloc
import wave

import numpy as np
import pytest
from scipy.io import wavfile

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.signals.recordings import is_recording, open_recording

SAMPLES = np.array([0.5 - 0.25j, -1 + 1j, 0.125j, 0.75], np.complex64)


def interleaved(samples, data_type="<f4"):
    return np.stack([samples.real, samples.imag], axis=1).astype(data_type)


def read_all(path, **arguments):
    recording = open_recording(path, **arguments)
    return recording.read(0, recording.sample_count)


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


@pytest.mark.parametrize("data_type", ["int24", "complex64", "float64", ">f4", "object"])
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
    "stored",
    [
        SAMPLES,
        SAMPLES.astype(np.complex128),
        SAMPLES.astype(">c8"),
        interleaved(SAMPLES),
        interleaved(SAMPLES, np.float64),
        np.asfortranarray(interleaved(SAMPLES)),
        interleaved(SAMPLES).ravel(),
        np.stack([SAMPLES.real, SAMPLES.imag]).T,
    ],
)
def test_recordings_npy_of_every_form(tmp_path, stored):
    np.save(tmp_path / "a.npy", stored)
    recording = open_recording(tmp_path / "a.npy")
    assert (recording.sample_count, recording.is_complex) == (4, True)
    np.testing.assert_array_equal(recording.read(1, 3), SAMPLES[1:])


def test_recordings_npy_of_integers_is_scaled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[-32768, 16384]], np.int16))
    assert open_recording(tmp_path / "a.npy", data_type="int16").data_type == "int16"
    np.testing.assert_array_equal(read_all(tmp_path / "a.npy"), [-1 + 0.5j])


def test_recordings_values_too_large_for_complex64_read_as_nothing_received(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1e300, 1.0], np.complex128))
    np.testing.assert_array_equal(read_all(tmp_path / "a.npy"), [0, 1])


@pytest.mark.parametrize(
    "stored",
    [
        np.zeros((2, 10)),
        np.zeros((4, 3, 2)),
        np.zeros((4, 2), np.complex64),
        np.array(1.0),
        np.zeros(4, bool),
        np.array(["a", "b"]),
        np.zeros(3, np.int16),
        np.zeros((0, 2)),
        np.zeros(0, np.complex64),
        np.zeros(2, [("i", "i2"), ("q", "i2")]),
    ],
)
def test_recordings_npy_that_is_no_recording_is_refused(tmp_path, stored):
    np.save(tmp_path / "a.npy", stored)
    with pytest.raises(RunError, match=r"a\.npy"):
        open_recording(tmp_path / "a.npy")


def test_recordings_npy_with_python_objects_is_never_unpickled(tmp_path):
    marker = tmp_path / "run"

    class Attack:
        def __reduce__(self):
            return marker.touch, ()

    np.save(tmp_path / "a.npy", np.array([Attack(), Attack()], object), allow_pickle=True)
    with pytest.raises(RunError, match=r"a\.npy"):
        open_recording(tmp_path / "a.npy")
    assert not marker.exists()


def test_recordings_a_type_that_contradicts_the_header_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", SAMPLES)
    with pytest.raises(InvalidInput, match="complex64"):
        open_recording(tmp_path / "a.npy", data_type="int16")


@pytest.mark.parametrize(
    ("data_type", "one", "zero", "tolerance"),
    [("int16", 32768, 0, 1e-4), ("int32", 2**31, 0, 1e-8), ("uint8", 128, 128, 0.01), ("float32", 1, 0, 0)],
)
def test_recordings_wav_with_two_channels_holds_i_and_q(tmp_path, data_type, one, zero, tolerance):
    samples = SAMPLES * 0.5
    wavfile.write(tmp_path / "a.wav", 2_400_000, (interleaved(samples, "f8") * one + zero).astype(data_type))
    recording = open_recording(tmp_path / "a.wav")
    assert (recording.sample_rate_hz, recording.data_type) == (2.4e6, data_type)
    assert recording.is_complex
    np.testing.assert_allclose(recording.read(0, 4), samples, atol=tolerance)


def test_recordings_wav_silence_of_8_bits_is_zero(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.full((10, 2), 128, np.uint8))
    assert not read_all(tmp_path / "a.wav").any()


def test_recordings_wav_with_one_channel_is_a_real_signal(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0, 16384, -16384], np.int16))
    recording = open_recording(tmp_path / "a.wav")
    assert not recording.is_complex
    np.testing.assert_array_equal(recording.read(0, 3), [0, 0.5, -0.5])


def test_recordings_a_given_rate_wins_over_the_header(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros((10, 2), np.int16))
    assert open_recording(tmp_path / "a.wav", sample_rate_hz=1e6).sample_rate_hz == 1e6


def test_recordings_wav_with_a_chunk_of_an_sdr_program(tmp_path):
    wavfile.write(tmp_path / "plain.wav", 8000, np.array([[16384, -16384]], np.int16))
    plain = (tmp_path / "plain.wav").read_bytes()
    chunk = b"auxi" + (8).to_bytes(4, "little") + b"12345678"
    at = plain.index(b"data")
    size = (len(plain) + len(chunk) - 8).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(plain[:4] + size + plain[8:at] + chunk + plain[at:])
    np.testing.assert_array_equal(read_all(tmp_path / "a.wav"), [0.5 - 0.5j])


def test_recordings_wav_with_three_channels_is_refused(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros((10, 3), np.int16))
    with pytest.raises(RunError, match=r"a\.wav: has 3 channels"):
        open_recording(tmp_path / "a.wav")


def test_recordings_a_cut_off_wav_is_refused(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros((1000, 2), np.int16))
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[:500])
    with pytest.raises(RunError, match=r"a\.wav"):
        open_recording(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", [".npy", ".wav"])
@pytest.mark.parametrize(
    "content", [b"x", b"RIFF", b"no header at all" * 10, b"\x93NUMPY", b"PK\x03\x04" + bytes(60)]
)
def test_recordings_an_unreadable_header_is_named(tmp_path, suffix, content):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(RunError, match="broken"):
        open_recording(path)


def test_recordings_a_wav_without_data_is_refused(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros((10, 2), np.int16))
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole.replace(b"data", b"dada"))
    with pytest.raises(RunError, match=r"a\.wav"):
        open_recording(tmp_path / "a.wav")


def test_recordings_wav_of_24_bits_is_refused(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 3, 8000, 0, "NONE", ""))
        file.writeframes(bytes(60))
    with pytest.raises(RunError, match=r"a\.wav.*8, 16 or 32 bits"):
        open_recording(tmp_path / "a.wav")


def test_recordings_a_cut_off_npy_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(1000, np.complex64))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:500])
    with pytest.raises(RunError, match=r"a\.npy"):
        open_recording(tmp_path / "a.npy")


@pytest.mark.parametrize(("size", "rest"), [(4, 4), (17, 1), (8 * 1000 + 7, 7)])
def test_recordings_bytes_that_do_not_fit_are_counted(tmp_path, size, rest):
    (tmp_path / "a.iq").write_bytes(bytes(size))
    with pytest.raises(RunError, match=rf"a\.iq: {size} bytes .*the last {rest} do not fit"):
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


@pytest.mark.parametrize("name", ["a.txt", "a", "a.iq.gz"])
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
