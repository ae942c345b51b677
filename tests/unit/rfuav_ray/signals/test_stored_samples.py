"""The samples of .npy and .wav files."""

import numpy as np
import pytest
from scipy.io import wavfile

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import open_recording
from tests.support.iq_samples import SAMPLES, interleaved, read_all


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
def test_stored_samples_npy_of_every_form(tmp_path, stored):
    np.save(tmp_path / "a.npy", stored)
    recording = open_recording(tmp_path / "a.npy")
    assert (recording.sample_count, recording.is_complex) == (4, True)
    np.testing.assert_array_equal(recording.read(1, 3), SAMPLES[1:])


def test_stored_samples_npy_of_integers_is_scaled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[-32768, 16384]], np.int16))
    assert open_recording(tmp_path / "a.npy", data_type="int16").data_type == "int16"
    np.testing.assert_array_equal(read_all(tmp_path / "a.npy"), [-1 + 0.5j])


def test_stored_samples_values_too_large_for_complex64_read_as_nothing_received(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1e300, 1.0], np.complex128))
    np.testing.assert_array_equal(read_all(tmp_path / "a.npy"), [0, 1])


@pytest.mark.parametrize(
    "stored",
    [
        np.zeros((4, 3, 2)),
        np.zeros((4, 2), np.complex64),
        np.array(1.0),
        np.zeros(4, bool),
        np.array(["a", "b"]),
        np.zeros(3, np.int16),
        np.zeros((0, 2)),
        np.zeros(0, np.complex64),
        np.zeros(2, [("q", "i2"), ("i", "i2")]),
        np.zeros(2, [("i", "i2"), ("q", "i4")]),
    ],
)
def test_stored_samples_npy_that_is_no_recording_is_refused(tmp_path, stored):
    np.save(tmp_path / "a.npy", stored)
    with pytest.raises(RunError, match=r"a\.npy"):
        open_recording(tmp_path / "a.npy")


def test_stored_samples_npy_with_python_objects_is_never_unpickled(tmp_path):
    marker = tmp_path / "run"

    class Attack:
        def __reduce__(self):
            return marker.touch, ()

    np.save(tmp_path / "a.npy", np.array([Attack(), Attack()], object), allow_pickle=True)
    with pytest.raises(RunError, match=r"a\.npy"):
        open_recording(tmp_path / "a.npy")
    assert not marker.exists()


def test_stored_samples_a_type_that_contradicts_the_header_is_not_used_and_that_is_said(tmp_path):
    np.save(tmp_path / "a.npy", SAMPLES)
    recording = open_recording(tmp_path / "a.npy", data_type="int16")
    assert recording.data_type == "complex64"
    assert "data_type 'int16' is not used" in recording.notes[0].message


@pytest.mark.parametrize(
    ("data_type", "one", "zero", "tolerance"),
    [("int16", 32768, 0, 1e-4), ("int32", 2**31, 0, 1e-8), ("uint8", 128, 128, 0.01), ("float32", 1, 0, 0)],
)
def test_stored_samples_wav_with_two_channels_holds_i_and_q(tmp_path, data_type, one, zero, tolerance):
    samples = SAMPLES * 0.5
    wavfile.write(tmp_path / "a.wav", 2_400_000, (interleaved(samples, "f8") * one + zero).astype(data_type))
    recording = open_recording(tmp_path / "a.wav")
    assert (recording.sample_rate_hz, recording.data_type) == (2.4e6, data_type)
    assert recording.is_complex
    np.testing.assert_allclose(recording.read(0, 4), samples, atol=tolerance)


def test_stored_samples_wav_silence_of_8_bits_is_zero(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.full((10, 2), 128, np.uint8))
    assert not read_all(tmp_path / "a.wav").any()


def test_stored_samples_wav_with_one_channel_is_a_real_signal(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0, 16384, -16384], np.int16))
    recording = open_recording(tmp_path / "a.wav")
    assert not recording.is_complex
    np.testing.assert_array_equal(recording.read(0, 3), [0, 0.5, -0.5])


def test_stored_samples_a_given_rate_wins_over_the_header(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros((10, 2), np.int16))
    assert open_recording(tmp_path / "a.wav", sample_rate_hz=1e6).sample_rate_hz == 1e6


def test_stored_samples_wav_with_a_chunk_of_an_sdr_program(tmp_path):
    wavfile.write(tmp_path / "plain.wav", 8000, np.array([[16384, -16384]], np.int16))
    plain = (tmp_path / "plain.wav").read_bytes()
    chunk = b"auxi" + (8).to_bytes(4, "little") + b"12345678"
    at = plain.index(b"data")
    size = (len(plain) + len(chunk) - 8).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(plain[:4] + size + plain[8:at] + chunk + plain[at:])
    np.testing.assert_array_equal(read_all(tmp_path / "a.wav"), [0.5 - 0.5j])


def test_stored_samples_wav_with_three_channels_is_refused(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros((10, 3), np.int16))
    with pytest.raises(RunError, match=r"a\.wav: has 3 channels"):
        open_recording(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", [".npy", ".wav"])
@pytest.mark.parametrize(
    "content", [b"x", b"RIFF", b"no header at all" * 10, b"\x93NUMPY", b"PK\x03\x04" + bytes(60)]
)
def test_stored_samples_an_unreadable_header_is_named(tmp_path, suffix, content):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(RunError, match="broken"):
        open_recording(path)


def test_stored_samples_a_wav_without_data_is_refused(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros((10, 2), np.int16))
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole.replace(b"data", b"dada"))
    with pytest.raises(RunError, match=r"a\.wav"):
        open_recording(tmp_path / "a.wav")
