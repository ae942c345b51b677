"""Which type a suffix stands for, and which files of a folder count."""

import numpy as np
import pytest

from rfuav_ray.signals.data_types import DATA_TYPES
from rfuav_ray.signals.formats.suffixes import CONVENTIONS
from rfuav_ray.signals.recordings import RECORDING_SUFFIXES, is_recording, open_recording
from tests.support.iq_samples import SAMPLES, interleaved

NOISE = np.random.default_rng(0).standard_normal(4096).astype("<f4").tobytes()


def opened(path, content=NOISE, **asked):
    path.write_bytes(content)
    return open_recording(path, **asked)


@pytest.mark.parametrize(
    ("suffixes", "data_type"),
    [
        ("iq dat cf32 fc32 cfile complex 32cf 32fc cfloat", "float32"),
        ("cf64 fc64", "float64"),
        ("cs32 sc32", "int32"),
        ("cs16 sc16 ci16 c16 complex32s 16tc", "int16"),
        ("cu16 complex32u", "uint16"),
        ("cs8 sc8 ci8 c8 complex16s", "int8"),
        ("cu8 complex16u", "uint8"),
    ],
)
def test_headerless_suffixes_of_sdr_programs_stand_for_types(tmp_path, suffixes, data_type):
    for suffix in suffixes.split():
        for name in (f"x.{suffix}", f"X.{suffix.upper()}"):
            recording = opened(tmp_path / name)
            assert (recording.data_type, recording.is_complex, recording.notes) == (data_type, True, ())
            assert is_recording(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "data_type"), [("x.f32", "float32"), ("g001.am.s16", "int16"), ("x.u8", "uint8")]
)
def test_headerless_suffixes_of_real_values_are_read_as_a_real_signal(tmp_path, name, data_type):
    recording = opened(tmp_path / name)
    assert (recording.data_type, recording.is_complex) == (data_type, False)
    assert "real signal" in recording.notes[0].message


@pytest.mark.parametrize(
    ("name", "data_type"), [("x.raw", "int16"), ("nosuffix", "float32"), ("x_433.92MHz", "float32")]
)
def test_headerless_a_name_that_says_little_is_assumed_and_told(tmp_path, name, data_type):
    recording = opened(tmp_path / name)
    assert recording.data_type == data_type
    assert "assumed" in recording.notes[0].message
    assert recording.notes[0].level == "WARNING"
    told = opened(tmp_path / name, data_type="int8").notes
    assert not any("assumed" in note.message for note in told)


def test_headerless_raw_of_gqrx_is_float32(tmp_path):
    recording = opened(tmp_path / "gqrx_20200101_120000_433920000_2400000_fc.raw")
    assert recording.data_type == "float32"
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (2.4e6, 433.92e6)
    assert {note.level for note in recording.notes} == {"INFO"}


def test_headerless_a_type_that_contradicts_the_suffix_wins_and_is_told(tmp_path):
    recording = opened(tmp_path / "x.cs8", data_type="int16")
    assert recording.data_type == "int16"
    assert "stands for int8, but int16 is used" in recording.notes[0].message
    assert opened(tmp_path / "x.iq", data_type="int16").notes == ()


@pytest.mark.parametrize("data_type", DATA_TYPES)
def test_headerless_every_type_is_read(tmp_path, data_type):
    limits = np.iinfo(data_type) if "int" in data_type else None
    values = interleaved(SAMPLES / 2, "f8")
    if limits:
        middle = (limits.max + int(limits.min)) / 2
        values = np.rint(values * (limits.max - int(limits.min)) / 2 + middle)
    recording = opened(tmp_path / "x.bin", values.astype(data_type).tobytes(), data_type=data_type)
    np.testing.assert_allclose(recording.read(0, 4), SAMPLES / 2, atol=0.008)


def test_headerless_real_values_are_one_sample_each_if_asked(tmp_path):
    recording = opened(tmp_path / "x.iq", np.array([0.5, 0.25, -1], "<f4").tobytes(), is_real=True)
    np.testing.assert_array_equal(recording.read(0, 3), [0.5, 0.25, -1])


def test_headerless_of_files_without_a_suffix_only_samples_count(tmp_path):
    contents = {
        "samples": NOISE,
        "README": NOISE,
        "notes": b"a line of text\n" * 200,
        "archive": b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + NOISE,
        "short": NOISE[:100],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert [path.name for path in tmp_path.iterdir() if is_recording(path)] == ["samples"]


def test_headerless_conventions_are_known_types():
    assert {one.data_type for one in CONVENTIONS.values()} == {*DATA_TYPES, None}
    assert {*CONVENTIONS} - {""} <= RECORDING_SUFFIXES
