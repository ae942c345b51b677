"""Doubts about the type and the level of samples: raised where they should be, and nowhere else."""

import numpy as np
import pytest

from rfuav_ray.signals.plausibility.doubts import doubts
from rfuav_ray.signals.recordings import open_recording
from tests.support import sigmf_files

TYPES = {
    "float32": "<f4",
    "float64": "<f8",
    "int16": "<i2",
    "int8": "i1",
    "uint8": "u1",
    "uint16": "<u2",
    "int32": "<i4",
}
COUNT = 140_000
TIME = np.arange(COUNT)


def noise(level, seed=0):
    rng = np.random.default_rng(seed)
    return level * (rng.standard_normal(COUNT) + 1j * rng.standard_normal(COUNT))


BURSTS = (TIME // 20_000) % 5 == 0
SIGNALS = {
    "noise": noise(0.2),
    "tone in noise": 0.6 * np.exp(2j * np.pi * TIME / 8) + noise(0.02),
    "pure tone": 0.95 * np.exp(2j * np.pi * 0.1234567 * TIME),
    "pure tone of a short period": 0.5 * np.exp(2j * np.pi * TIME / 8),
    "bursts": np.where(BURSTS, noise(0.2), noise(0.002, 1)),
    "bursts in silence": np.where(BURSTS, noise(0.2), 0),
    "on and off": np.where(BURSTS, 0.9, 0) * np.exp(2j * np.pi * 0.01 * TIME),
    "phase shift keying": np.repeat(np.random.default_rng(2).choice([-0.9, 0.9], COUNT // 8), 8) + noise(0.02),
    "offset": noise(0.01) + 0.4 + 0.3j,
    "real": np.cos(2 * np.pi * 0.01 * TIME) + 0j,
    "I stronger than Q": noise(0.2).real + 0.6j * noise(0.2).imag,
}


def write(path, samples, data_type, level=1.0):
    values = np.stack([samples.real, samples.imag], axis=1) * level
    if data_type.startswith(("int", "uint")):
        limits = np.iinfo(data_type)
        half = (limits.max - int(limits.min)) / 2
        values = np.clip(np.rint(values * half + limits.max - half), limits.min, limits.max)
    values.astype(TYPES[data_type]).tofile(path)
    return path


def found(path, data_type, **asked):
    return [note.message for note in doubts(open_recording(path, data_type=data_type, **asked))]


@pytest.mark.parametrize("data_type", TYPES)
@pytest.mark.parametrize("level", [1, pytest.param(0.03, marks=pytest.mark.long), 1e-4])
def test_plausibility_of_the_right_type_raises_no_doubt(tmp_path, data_type, level):
    for name, signal in SIGNALS.items():
        messages = found(write(tmp_path / "x.iq", signal, data_type, level), data_type)
        # A weak signal in few bits is silence, which is true.
        assert [one for one in messages if "nothing was received" not in one] == [], name


@pytest.mark.parametrize(
    ("stored", "assumed", "level"),
    [
        ("int8", "float32", 0.4),
        ("int8", "float32", 0.05),
        ("uint8", "float32", 0.4),
        ("uint8", "float32", 0.05),
        ("int16", "float32", 0.4),
        ("int16", "float32", 0.1),
        ("float64", "float32", 1),
        ("float32", "float64", 1e-3),
        ("float32", "int8", 1),
        ("float32", "int16", 1e-3),
        ("float32", "uint8", 1e-3),
        ("int8", "int16", 0.1),
        ("uint8", "int16", 0.1),
        ("int16", "int8", 0.3),
        ("int16", "uint8", 0.3),
        ("int8", "uint8", 0.1),
        ("uint8", "int8", 0.1),
        ("int32", "int16", 0.3),
        ("int16", "int32", 0.3),
        ("uint16", "int16", 0.1),
    ],
)
def test_plausibility_names_the_likely_type(tmp_path, stored, assumed, level):
    (message,) = found(write(tmp_path / "x.iq", SIGNALS["noise"], stored, level), assumed)
    assert f"probably {stored}, not {assumed}" in message
    assert f"Set data_type to {stored}" in message


@pytest.mark.parametrize("stored", ["int8", "uint8", "int16"])
def test_plausibility_knows_integers_that_are_usual_floats(tmp_path, stored):
    """A tone at an eighth of the rate has few values, all of which make floats of usual size."""
    (message,) = found(write(tmp_path / "x.iq", SIGNALS["tone in noise"], stored), "float32")
    assert f"probably {stored}, not float32" in message


@pytest.mark.parametrize("stored", ["int8", "int16"])
def test_plausibility_finds_the_type_in_bursts(tmp_path, stored):
    (message,) = found(write(tmp_path / "x.iq", SIGNALS["bursts in silence"], stored, 0.4), "float32")
    assert f"probably {stored}, not float32" in message


def test_plausibility_names_the_byte_order(tmp_path):
    write(tmp_path / "x.iq", SIGNALS["noise"], "int16")
    np.fromfile(tmp_path / "x.iq", "<i2").astype(">i2").tofile(tmp_path / "x.iq")
    (message,) = found(tmp_path / "x.iq", "int16")
    assert "probably big-endian int16, not int16. Describe the file with SigMF" in message


@pytest.mark.parametrize("datatype", ["cf32", "rf32", "cf64", "ci32", "ci16", "ri16", "cu16"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_plausibility_a_byte_order_that_the_metadata_state_is_no_doubt(tmp_path, datatype, order):
    values = np.random.default_rng(1).normal(scale=0.1, size=80_000)
    value_type = f"{'>' if order == 'be' else '<'}{datatype[1]}{int(datatype[2:]) // 8}"
    if datatype[1] != "f":
        values = np.rint(values * 2 ** (int(datatype[2:]) - 1)) + (2**15 if datatype[1] == "u" else 0)
    path = sigmf_files.write(tmp_path, values.astype(value_type), f"{datatype}_{order}")
    assert doubts(open_recording(path)) == ()


def test_plausibility_of_floats_behind_a_header_names_the_shift(tmp_path):
    content = write(tmp_path / "x.iq", SIGNALS["noise"], "float32").read_bytes()
    (tmp_path / "x.iq").write_bytes(b"\x01\x02\x03" + content)
    (message,) = found(tmp_path / "x.iq", "float32")
    assert "float32 that begin 3 bytes later" in message


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, 1e-38])
def test_plausibility_of_floats_that_no_receiver_gives_is_told(tmp_path, value):
    samples = np.tile([0.1, -0.2, 0.3, value], COUNT).astype("<f4")
    samples.tofile(tmp_path / "x.iq")
    (message,) = found(tmp_path / "x.iq", "float32")
    assert "25% of the values are not finite, beyond 1e12 or below 1e-30" in message


@pytest.mark.parametrize(("value", "what"), [(0, "are 0"), (7, "are the same")])
def test_plausibility_of_constant_samples_is_told(tmp_path, value, what):
    np.full(2 * COUNT, value, "<i2").tofile(tmp_path / "x.bin")
    (message,) = found(tmp_path / "x.bin", "int16")
    assert what in message
    assert f"all {16 * 8192} samples that were looked at" in message
    np.full(20, value, "<i2").tofile(tmp_path / "x.bin")
    assert "all its samples" in found(tmp_path / "x.bin", "int16")[0]


@pytest.mark.parametrize("data_type", ["int8", "uint8", "int16"])
def test_plausibility_of_clipped_samples_is_told(tmp_path, data_type):
    (message,) = found(write(tmp_path / "x.iq", noise(1), data_type), data_type)
    assert "clipped" in message


def test_plausibility_is_the_same_each_time_and_reads_little(tmp_path):
    with (tmp_path / "x.iq").open("wb") as file:
        file.truncate(2**33)
    recording = open_recording(tmp_path / "x.iq")
    assert doubts(recording) == doubts(recording) != ()


def test_plausibility_of_one_sample_says_little(tmp_path):
    np.array([0.5, 0.25], "<f4").tofile(tmp_path / "x.iq")
    assert found(tmp_path / "x.iq", "float32") in ([], ["all its samples are the same: nothing was received"])
