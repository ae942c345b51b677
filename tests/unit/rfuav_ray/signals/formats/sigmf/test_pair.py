import hashlib

import numpy as np
import pytest
import sigmf
from scipy.io import wavfile
from sigmf.convert.wav import wav_to_sigmf as convert_wav

from rfuav_ray.errors import RunError
from rfuav_ray.signals.formats.sigmf.pair import checksum_note
from rfuav_ray.signals.recordings import is_recording, open_recording
from tests.support.iq_samples import interleaved
from tests.support.sigmf_files import FREQUENCY_HZ, RATE_HZ, SAMPLES, write, write_metadata


@pytest.mark.parametrize("suffix", [".sigmf-meta", ".sigmf-data"])
def test_pair_either_file_of_a_pair_written_by_the_sigmf_package_opens_it(tmp_path, suffix):
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
def test_pair_every_type_in_both_byte_orders(tmp_path, kind, value, order):
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
def test_pair_unsigned_integers_lie_around_the_middle(tmp_path, value, value_type):
    top = np.iinfo(value_type).max
    stored = np.array([[0, top], [top // 2, top // 2 + 1]], value_type)
    read = open_recording(write(tmp_path, stored, f"c{value}")).read(0, 2)
    np.testing.assert_allclose(read, [-1 + 1j, 0], atol=0.006)
    assert read[0] == -1 + 1j


@pytest.mark.parametrize("datatype", ["cf32", "CF32_LE"])
def test_pair_types_as_some_programs_spell_them(tmp_path, datatype):
    recording = open_recording(write(tmp_path, interleaved(SAMPLES), datatype))
    np.testing.assert_array_equal(recording.read(0, 4), SAMPLES)


@pytest.mark.parametrize("datatype", ["cf16_le", "ci64_le", "cu64_be", "f32_le", "cf32_xe", "", 5, "x" * 500])
def test_pair_other_types_are_refused_by_name_with_the_supported(tmp_path, datatype):
    path = write(tmp_path, interleaved(SAMPLES), datatype)
    with pytest.raises(
        RunError, match=rf"a\.sigmf-meta: core:datatype is '?{str(datatype)[:20]}.*supported.*cf32_le"
    ):
        open_recording(path)


def test_pair_a_type_of_the_caller_is_not_used_and_that_is_said(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES * 32767, ">i2"), "ci16_be")
    assert open_recording(path, data_type="int16").notes == ()
    recording = open_recording(path, data_type="float32")
    assert recording.data_type == "int16"
    assert "data_type 'float32' is not used" in recording.notes[0].message


def test_pair_a_given_rate_and_frequency_win_with_a_warning(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le")
    recording = open_recording(path, sample_rate_hz=1e6, center_frequency_hz=0.0)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (1e6, 0.0)
    assert [note.message for note in recording.notes] == [
        "sample_rate_hz 1000000 of the request is used; a.sigmf-meta says 20000000",
        "center_frequency_hz 0 of the request is used; a.sigmf-meta says 2.44e+09",
    ]
    assert open_recording(path, sample_rate_hz=RATE_HZ, center_frequency_hz=FREQUENCY_HZ).notes == ()


def test_pair_wins_over_an_xml_with_a_warning(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES * 32767, "<i2"), "ci16_le", captures=[])
    (tmp_path / "a.xml").write_text(
        "<p><SampleRate>5 MHz</SampleRate><CenterFrequency>5.8 GHz</CenterFrequency><DataType>float</DataType></p>"
    )
    recording = open_recording(path)
    assert (recording.sample_rate_hz, recording.data_type) == (RATE_HZ, "int16")
    assert recording.center_frequency_hz == 5.8e9  # SigMF does not say it
    assert [note.message for note in recording.notes] == [
        "sample_rate_hz 20000000 of a.sigmf-meta is used; a.xml says 5000000",
        "data_type int16 of the file is used; a.xml says float32",
    ]


@pytest.mark.parametrize("header_bytes", [0, 3, 44, 4096])
def test_pair_bytes_before_and_after_the_samples_are_left_out(tmp_path, header_bytes):
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


def test_pair_metadata_that_the_sigmf_package_makes_of_a_wav_file(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0, 16384, -16384], np.int16))
    sigmf.fromfile(tmp_path / "a.wav").tofile(tmp_path / "a")
    recording = open_recording(tmp_path / "a.sigmf-meta")
    assert (recording.sample_rate_hz, recording.is_complex) == (8000, False)
    np.testing.assert_array_equal(recording.read(0, 3), [0, 0.5, -0.5])
    assert [path.name for path in tmp_path.iterdir() if is_recording(path)] == ["a.sigmf-meta"]


def test_pair_in_a_wav_file_of_8_bits_silence_is_128_whoever_describes_it(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0, 128, 192], np.uint8))
    trailing_bytes = (tmp_path / "a.wav").stat().st_size - 44 - 3
    path = write_metadata(
        tmp_path, "ru8", dataset="a.wav", trailing_bytes=trailing_bytes, captures=[{"core:header_bytes": 44}]
    )
    np.testing.assert_array_equal(open_recording(path).read(0, 3), [-1, 0, 0.5])


@pytest.mark.parametrize("kind", ["ri16_le", "rf32_le"])
def test_pair_two_channels_of_real_values_are_i_and_q_with_a_warning(tmp_path, kind):
    stored = interleaved(SAMPLES) if kind == "rf32_le" else (interleaved(SAMPLES, "f8") * 32768).astype("<i2")
    recording = open_recording(write(tmp_path, stored, kind, num_channels=2))
    np.testing.assert_array_equal(recording.read(0, 4), SAMPLES)
    assert "its channels are read as I and Q" in recording.notes[0].message


def test_pair_metadata_that_the_sigmf_package_makes_of_a_wav_file_of_two_channels(tmp_path):
    wavfile.write(tmp_path / "r.wav", 1_000_000, interleaved(SAMPLES * 32768, "<i2"))
    convert_wav(tmp_path / "r.wav", tmp_path / "r", create_ncd=True)
    for name in ("r.wav", "r.sigmf-meta"):
        recording = open_recording(tmp_path / name)
        assert (recording.sample_rate_hz, recording.is_complex) == (1e6, True)
        np.testing.assert_array_equal(recording.read(0, 4), SAMPLES)
    assert [path.name for path in tmp_path.iterdir() if is_recording(path)] == ["r.sigmf-meta"]


def test_pair_extensions_that_are_needed_are_named(tmp_path):
    extensions = [{"name": "radar", "version": "1", "optional": False}, {"name": "antenna", "optional": True}]
    (note,) = open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le", extensions=extensions)).notes
    assert note.level == "WARNING"
    assert "'radar'" in note.message
    assert "antenna" not in note.message


def test_pair_metadata_only_is_told_of(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le", metadata_only=True)
    (note,) = open_recording(path).notes
    assert "core:metadata_only" in note.message
    (tmp_path / "a.sigmf-data").unlink()
    with pytest.raises(RunError, match=r"a\.sigmf-meta: holds metadata only"):
        open_recording(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_pair_metadata_in_every_encoding(tmp_path, encoding):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le", description="DRONE")
    path.write_bytes(path.read_text().replace("DRONE", "无人机").encode(encoding))
    recording = open_recording(path)
    assert recording.sample_rate_hz == RATE_HZ
    assert [note.message for note in recording.notes] == (
        ["its bytes are not UTF-8 and are read as GB18030"] if encoding == "gb18030" else []
    )


def test_pair_a_wrong_checksum_is_told_of(tmp_path):
    stored = interleaved(SAMPLES)
    right = hashlib.sha512(stored.tobytes()).hexdigest()
    assert checksum_note(write(tmp_path, stored, "cf32_le", sha512=right.upper())) is None
    assert checksum_note(write(tmp_path, stored, "cf32_le")) is None
    wrong = checksum_note(write(tmp_path, stored, "cf32_le", sha512="0" * 128))
    assert wrong.level == "WARNING"
    assert "core:sha512" in wrong.message
    stored.tofile(tmp_path / "b.iq")
    assert checksum_note(tmp_path / "b.iq") is None


def test_pair_the_checksum_of_huge_data_is_not_computed(tmp_path):
    path = write(tmp_path, interleaved(SAMPLES), "cf32_le", sha512="0" * 128)
    with (tmp_path / "a.sigmf-data").open("r+b") as file:
        file.truncate(2**30 + 1)
    note = checksum_note(path)
    assert (note.level, note.message) == ("INFO", "core:sha512 was not checked: the data exceed 1 GiB")
