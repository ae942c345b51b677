"""The shapes and types of .npy files, and files that are cut off."""

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import open_recording
from tests.support.iq_samples import SAMPLES, interleaved, read_all

PAIRS = interleaved(SAMPLES)


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(PAIRS.T.copy(), id="two rows"),
        pytest.param(np.asfortranarray(PAIRS.T), id="two rows in Fortran order"),
        pytest.param(PAIRS[None], id="(1, n, 2)"),
        pytest.param(SAMPLES[:, None], id="(n, 1)"),
        pytest.param(SAMPLES[None], id="(1, n)"),
        pytest.param(np.asfortranarray(SAMPLES[:, None].astype(">c16")), id="big-endian (n, 1)"),
        pytest.param(PAIRS.astype(np.float16), id="float16"),
        pytest.param(PAIRS.ravel().view([("i", "f4"), ("q", "f4")]), id="structured"),
        pytest.param(PAIRS.astype(">f8").ravel().view([("real", ">f8"), ("imag", ">f8")]), id="structured, >f8"),
    ],
)
def test_npy_of_every_form_gives_the_same_samples(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    recording = open_recording(tmp_path / "a.npy")
    assert recording.is_complex
    assert not recording.notes
    np.testing.assert_array_equal(recording.read(1, 3), SAMPLES[1:])


@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 4)])
def test_npy_of_a_real_signal_is_read_as_one_if_asked(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.array([0.5, -0.5, 0.25, 0], ">f4").reshape(shape))
    recording = open_recording(tmp_path / "a.npy", is_real=True)
    assert (recording.sample_count, recording.is_complex, recording.notes) == (4, False, ())
    np.testing.assert_array_equal(recording.read(0, 4), [0.5, -0.5, 0.25, 0])


def test_npy_of_real_values_is_taken_for_interleaved_and_that_is_said(tmp_path):
    np.save(tmp_path / "a.npy", PAIRS.ravel())
    recording = open_recording(tmp_path / "a.npy")
    assert recording.sample_count == 4
    assert "set real to true" in recording.notes[0].message


def test_npy_with_i_and_q_ignores_real_and_says_so(tmp_path):
    np.save(tmp_path / "a.npy", SAMPLES)
    recording = open_recording(tmp_path / "a.npy", is_real=True)
    assert recording.is_complex
    assert "real is not used" in recording.notes[0].message


@pytest.mark.parametrize(
    ("array", "left"),
    [(np.zeros(1000, np.complex64), 987), (np.zeros((1000, 2), ">i2"), 974), (np.zeros(1000), 493)],
)
def test_npy_that_is_cut_off_is_read_up_to_there(tmp_path, array, left):
    np.save(tmp_path / "a.npy", array)
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-101])
    recording = open_recording(tmp_path / "a.npy")
    assert len(recording.read(0, recording.sample_count)) == left
    assert any("cut off" in note.message and f"{left} are there" in note.message for note in recording.notes)


@pytest.mark.parametrize("kept", [20, 100, 128])
def test_npy_without_a_sample_is_refused(tmp_path, kept):
    np.save(tmp_path / "a.npy", SAMPLES)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:kept])
    with pytest.raises(RunError, match=r"a\.npy"):
        open_recording(tmp_path / "a.npy")


def test_npy_cut_off_within_q_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", PAIRS.T.copy())
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-4])
    with pytest.raises(RunError, match="cut off within Q"):
        open_recording(tmp_path / "a.npy")


def test_npy_that_is_something_else_is_named(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(60))
    with pytest.raises(RunError, match="this is a zip file, not a NumPy file; unpack it"):
        open_recording(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "header", ["{", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (-1,)}"]
)
def test_npy_with_a_damaged_header_is_refused(tmp_path, header):
    text = header.encode().ljust(118)
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(80))
    with pytest.raises(RunError, match="header is damaged"):
        open_recording(tmp_path / "a.npy")


def test_npy_of_version_2_is_read(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, SAMPLES, version=(2, 0))
    np.testing.assert_array_equal(read_all(tmp_path / "a.npy"), SAMPLES)
