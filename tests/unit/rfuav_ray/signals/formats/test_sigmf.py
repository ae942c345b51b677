import logging

import numpy as np
import pytest
import sigmf
from scipy.io import wavfile

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import is_recording, open_recording
from tests.support.iq_samples import interleaved
from tests.support.sigmf_files import FREQUENCY_HZ, RATE_HZ, SAMPLES, write, write_metadata


@pytest.mark.parametrize("suffix", [".sigmf-meta", ".sigmf-data"])
def test_sigmf_either_file_of_a_pair_written_by_the_sigmf_package_opens_it(tmp_path, suffix):
    written = sigmf.fromarray(SAMPLES)
    written.sample_rate = RATE_HZ
    written.add_capture(0, metadata={sigmf.FREQUENCY_KEY: FREQUENCY_HZ})
    written.tofile(tmp_path / "flight 1.day2")
    recording = open_recording(tmp_path / f"flight 1.day2{suffix}")
    assert recording.path == tmp_path / "flight 1.day2.sigmf-meta"
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (RATE_HZ, FREQUENCY_HZ)
    assert (recording.data_type, recording.sample_count, recording.is_complex) == ("float32", 4, True)
    np.testing.assert_array_equal(recording.read(0, 4), SAMPLES)
    np.testing.assert_array_equal(recording.read(1, 2), SAMPLES[1:3])


@pytest.mark.parametrize("value", ["f32", "f64", "i32", "i16", "i8"])
@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("kind", ["c", "r"])
def test_sigmf_every_type_in_both_byte_orders(tmp_path, kind, value, order):
    value_type = np.dtype(f"{'<' if order == 'le' else '>'}{value[0]}{int(value[1:]) // 8}")
    scale = 1 if value_type.kind == "f" else -float(np.iinfo(value_type).min)
    stored = (interleaved(SAMPLES, "f8") * scale).astype(value_type)
    stored = stored if kind == "c" else stored[:, 0]
    recording = open_recording(write(tmp_path, stored, f"{kind}{value}_{order}"))
    assert (recording.data_type, recording.is_complex) == (value_type.name, kind == "c")
    np.testing.assert_array_equal(recording.read(0, 4), SAMPLES if kind == "c" else SAMPLES.real)


@pytest.mark.parametrize(
    ("value", "value_type"), [("u8", "u1"), ("u16_le", "<u2"), ("u16_be", ">u2"), ("u32_le", "<u4")]
)
def test_sigmf_unsigned_integers_lie_around_the_middle(tmp_path, value, value_type):
    top = np.iinfo(value_type).max
    stored = np.array([[0, top], [top // 2, top // 2 + 1]], value_type)
    read = open_recording(write(tmp_path, stored, f"c{value}")).read(0, 2)
    np.testing.assert_allclose(read, [-1 + 1j, 0], atol=0.006)
    assert read[0] == -1 + 1j


@pytest.mark.parametrize("datatype", ["cf32", "CF32_LE"])
def test_sigmf_types_as_some_programs_spell_them(tmp_path, datatype):
    recording = open_recording(write(tmp_path, interleaved(SAMPLES), datatype))
    np.testing.assert_array_equal(recording.read(0, 4), SAMPLES)


@pytest.mark.parametrize("datatype", ["cf16_le", "ci64_le", "cu64_be", "f32_le", "cf32_xe", "", 5, "x" * 500])
def test_sigmf_other_types_are_refused_by_name_with_the_supported(tmp_path, datatype):
    path = write(tmp_path, interleaved(SAMPLES), datatype)
    with pytest.raises(
        RunError, match=rf"a\.sigmf-meta: core:datatype is '?{str(datatype)[:20]}.*supported.*cf32_le"
    ):
        open_recording(path)


def test_sigmf_a_type_of_the_caller_is_not_used_and_that_is_said(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES * 32767, ">i2"), "ci16_be")
    assert open_recording(path, data_type="int16").notes == ()
    recording = open_recording(path, data_type="float32")
    assert recording.data_type == "int16"
    assert "data_type 'float32' is not used" in recording.notes[0].message


def test_sigmf_a_given_rate_and_frequency_win(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le")
    recording = open_recording(path, sample_rate_hz=1e6, center_frequency_hz=0.0)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (1e6, 0.0)


@pytest.mark.parametrize("captures", [[], [{"core:sample_start": 0}], [{"core:frequency": None}]])
def test_sigmf_without_a_frequency_there_is_none(tmp_path, captures, caplog):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le", captures=captures)
    assert open_recording(path).center_frequency_hz is None
    assert not caplog.records


@pytest.mark.parametrize("frequency", ["2.4 GHz", True, float("nan"), [1], 10**400])
def test_sigmf_a_frequency_that_is_no_number_is_ignored_with_a_warning(tmp_path, frequency, caplog):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le", captures=[{"core:frequency": frequency}])
    with caplog.at_level(logging.WARNING):
        assert open_recording(path).center_frequency_hz is None
    assert "a.sigmf-meta" in caplog.text


def test_sigmf_of_captures_with_different_frequencies_the_first_counts_with_a_warning(tmp_path, caplog):
    captures = [{"core:sample_start": 2 * number, "core:frequency": 1e9 + 1e6 * number} for number in range(2)]
    with caplog.at_level(logging.WARNING):
        assert (
            open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le", captures=captures)).center_frequency_hz
            == 1e9
        )
    assert "a.sigmf-meta: the captures have different frequencies" in caplog.text


def test_sigmf_captures_of_one_frequency_are_nothing_to_warn_of(tmp_path, caplog):
    captures = [{"core:sample_start": 0, "core:frequency": 1e9}, {"core:sample_start": 2}]
    assert (
        open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le", captures=captures)).center_frequency_hz
        == 1e9
    )
    assert not caplog.records


@pytest.mark.parametrize("header_bytes", [0, 3, 44, 4096])
def test_sigmf_bytes_before_and_after_the_samples_are_left_out(tmp_path, header_bytes):
    path = write_metadata(
        tmp_path,
        dataset="a.raw",
        trailing_bytes=5,
        captures=[{"core:sample_start": 0, "core:header_bytes": header_bytes}],
    )
    (tmp_path / "a.raw").write_bytes(b"h" * header_bytes + interleaved(SAMPLES).tobytes() + b"t" * 5)
    recording = open_recording(path)
    assert recording.sample_count == 4
    np.testing.assert_array_equal(recording.read(0, 4), SAMPLES)
    np.testing.assert_array_equal(recording.read(3, 1), SAMPLES[3:])


def test_sigmf_metadata_that_the_sigmf_package_makes_of_a_wav_file(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0, 16384, -16384], np.int16))
    sigmf.fromfile(tmp_path / "a.wav").tofile(tmp_path / "a")
    recording = open_recording(tmp_path / "a.sigmf-meta")
    assert (recording.sample_rate_hz, recording.is_complex) == (8000, False)
    np.testing.assert_array_equal(recording.read(0, 3), [0, 0.5, -0.5])
    assert [path.name for path in tmp_path.iterdir() if is_recording(path)] == ["a.sigmf-meta"]


def test_sigmf_in_a_wav_file_of_8_bits_silence_is_128_whoever_describes_it(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0, 128, 192], np.uint8))
    trailing_bytes = (tmp_path / "a.wav").stat().st_size - 44 - 3
    path = write_metadata(
        tmp_path, "ru8", dataset="a.wav", trailing_bytes=trailing_bytes, captures=[{"core:header_bytes": 44}]
    )
    np.testing.assert_array_equal(open_recording(path).read(0, 3), [-1, 0, 0.5])
