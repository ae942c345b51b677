"""Arrays in .mat files and in HDF5."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.signals.recordings import open_recording

RNG = np.random.default_rng(0)
IQ = (RNG.standard_normal(200) + 1j * RNG.standard_normal(200)).astype(np.complex64)
PAIRS = np.stack([IQ.real, IQ.imag], axis=1)
MATLAB_COMPLEX = PAIRS.ravel().view([("real", "f4"), ("imag", "f4")])


def save(path, arrays):
    if path.suffix == ".mat":
        savemat(path, arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


@pytest.mark.parametrize("name", ["a.mat", "a.h5"])
@pytest.mark.parametrize(
    "arrays",
    [
        {"x": IQ},
        {"x": IQ[:, None]},
        {"x": IQ[None]},
        {"x": PAIRS},
        {"x": PAIRS.T},
        {"I": PAIRS[:, 0], "Q": PAIRS[:, 1]},
        {"RF0_I": PAIRS[None, :, 0], "RF0_Q": PAIRS[None, :, 1]},
        {"real": PAIRS[:, 0], "imag": PAIRS[:, 1], "time": np.arange(200.0)},
        {"waveform": IQ.astype(np.complex128), "taps": np.ones(8, np.complex64)},
    ],
)
def test_mat_of_every_form_gives_the_same_samples(tmp_path, name, arrays):
    recording = open_recording(save(tmp_path / name, arrays))
    assert (recording.sample_count, recording.is_complex, recording.notes) == (200, True, ())
    np.testing.assert_allclose(recording.read(3, 150), IQ[3:153])


def test_mat_of_version_7_3_is_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["x"] = MATLAB_COMPLEX[None]
        file["note"] = np.frombuffer(b"ab" * 100, np.uint16)
        file["note"].attrs["MATLAB_class"] = np.bytes_("char")
        file["Fs"] = np.array([[20e6]])
    recording = open_recording(tmp_path / "a.mat")
    np.testing.assert_array_equal(recording.read(10, 20), IQ[10:30])
    assert recording.sample_rate_hz == 20e6


@pytest.mark.parametrize("name", ["a.mat", "a.h5"])
def test_mat_with_several_arrays_needs_a_variable(tmp_path, name):
    path = save(tmp_path / name, {"near": IQ, "far": 2 * IQ, "Fs": 1e6})
    with pytest.raises(InvalidInput, match=r"set variable to one of .*near") as caught:
        open_recording(path)
    assert caught.value.field == "variable"
    np.testing.assert_allclose(open_recording(path, variable="far").read(0, 200), 2 * IQ)
    with pytest.raises(InvalidInput, match=r"has no array 'middle'; it has .*near"):
        open_recording(path, variable="middle")


@pytest.mark.parametrize("name", ["a.mat", "a.h5"])
def test_mat_pair_is_named_by_its_first_array(tmp_path, name):
    arrays = {f"RF{n}_{part}": (n + 1) * PAIRS[:, at] for n in (0, 1) for at, part in enumerate("IQ")}
    path = save(tmp_path / name, arrays)
    with pytest.raises(InvalidInput, match="RF0_I, RF1_I"):
        open_recording(path)
    np.testing.assert_allclose(open_recording(path, variable="RF1_I").read(0, 200), 2 * IQ)


@pytest.mark.parametrize("name", ["a.mat", "a.h5"])
def test_mat_of_a_real_signal_is_read_if_asked(tmp_path, name):
    path = save(tmp_path / name, {"x": PAIRS[:, 0]})
    with pytest.raises(RunError, match=r"no array in it holds I and Q: x \(float32.*set real to true"):
        open_recording(path)
    recording = open_recording(path, is_real=True)
    assert not recording.is_complex
    np.testing.assert_array_equal(recording.read(0, 200), PAIRS[:, 0])


@pytest.mark.parametrize("name", ["a.mat", "a.h5"])
@pytest.mark.parametrize(
    ("numbers", "rate_hz", "frequency_hz"),
    [
        ({"fs": 20e6, "fc": 2.44e9}, 20e6, 2.44e9),
        ({"Sample_Rate": 100e6, "center_frequency": 5.8e9}, 100e6, 5.8e9),
        ({"SampleRate_MHz": 50, "CenterFreqMHz": 433.92}, 50e6, 433.92e6),
        ({"samp_rate": 1e6, "Fs": 2e6}, None, None),
        ({"fs": -1.0, "snr": 20.0}, None, None),
    ],
)
def test_mat_numbers_give_rate_and_frequency(tmp_path, name, numbers, rate_hz, frequency_hz):
    recording = open_recording(save(tmp_path / name, {"x": IQ, **numbers}))
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (rate_hz, frequency_hz)
    assert [note.level for note in recording.notes] == {"samp_rate": ["WARNING"], "fs": []}.get(
        next(iter(numbers)) if rate_hz is None else "", ["INFO", "INFO"]
    )


def test_mat_structures_are_searched(tmp_path):
    path = save(tmp_path / "a.mat", {"record": {"samples": IQ, "fs": 3e6}})
    recording = open_recording(path)
    np.testing.assert_array_equal(recording.read(0, 200), IQ)
    assert recording.sample_rate_hz == 3e6


def test_mat_doubles_of_small_whole_numbers_stay_doubles(tmp_path):
    path = save(tmp_path / "a.mat", {"x": np.tile([[1.0, 100.0]], (100, 1))})
    recording = open_recording(path)
    assert recording.data_type == "float64"
    np.testing.assert_array_equal(recording.read(0, 1), [1 + 100j])


def test_mat_groups_and_attributes_of_hdf5_are_searched(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["run/iq"] = (PAIRS * 1000).astype(np.int16)
        file["run/iq"].attrs["sample_rate"] = 4e6
        file.attrs["center_freq"] = 915e6
    recording = open_recording(tmp_path / "a.hdf5")
    assert (recording.data_type, recording.sample_rate_hz) == ("int16", 4e6)
    assert recording.center_frequency_hz == 915e6


def test_mat_data_in_other_files_are_never_read(tmp_path):
    IQ.tofile(tmp_path / "secret")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = IQ
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("far", (200,), np.complex64, external=[(str(tmp_path / "secret"), 0, 1600)])
        file["link"] = h5py.ExternalLink("other.h5", "x")
        layout = h5py.VirtualLayout((200,), np.complex64)
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (200,))
        file.create_virtual_dataset("virtual", layout)
    with pytest.raises(RunError, match="it has no arrays"):
        open_recording(tmp_path / "a.h5")
    for name in ("far", "link", "virtual"):
        with pytest.raises(InvalidInput, match="has no array"):
            open_recording(tmp_path / "a.h5", variable=name)


@pytest.mark.parametrize("name", ["a.mat", "a.h5"])
def test_mat_that_is_damaged_or_something_else_is_refused(tmp_path, name):
    path = save(tmp_path / name, {"x": IQ})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=f"{name}: "):
        open_recording(path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    with pytest.raises(RunError, match=r"this is a PNG image, not an? (MATLAB|HDF5) file"):
        open_recording(path)


def test_mat_that_becomes_shorter_is_noticed(tmp_path):
    recording = open_recording(save(tmp_path / "a.h5", {"x": IQ}))
    save(tmp_path / "a.h5", {"x": IQ[:100]})
    with pytest.raises(RunError, match="became shorter"):
        recording.read(50, 100)
