import numpy as np
import pytest
from scipy.io import wavfile

from rfuav_ray.signals.recordings import open_recording
from tests.support.sigmf_files import write

ZEROS = np.zeros((4, 2), np.int16)


def said(recording):
    return [(note.level, note.message) for note in recording.notes]


def test_merging_a_rate_of_the_caller_wins_over_a_header_with_a_warning(tmp_path):
    wavfile.write(tmp_path / "a.wav", 2_400_000, ZEROS)
    recording = open_recording(tmp_path / "a.wav", sample_rate_hz=1e6)
    assert recording.sample_rate_hz == 1e6
    assert said(recording) == [
        ("WARNING", "sample_rate_hz 1000000 of the request is used; its header says 2400000")
    ]
    assert open_recording(tmp_path / "a.wav", sample_rate_hz=2.4e6).notes == ()


def test_merging_a_header_wins_over_an_xml_with_a_warning(tmp_path):
    wavfile.write(tmp_path / "a.wav", 2_400_000, ZEROS)
    (tmp_path / "a.xml").write_text("<p><SampleRate>5 MHz</SampleRate></p>")
    recording = open_recording(tmp_path / "a.wav")
    assert recording.sample_rate_hz == 2.4e6
    assert said(recording) == [("WARNING", "sample_rate_hz 2400000 of its header is used; a.xml says 5000000")]


def test_merging_all_frequencies_of_a_recording_are_compared(tmp_path):
    captures = [{"core:sample_start": 2 * number, "core:frequency": 1e9 + 1e6 * number} for number in range(2)]
    path = write(tmp_path, ZEROS, "ci16_le", captures=captures)
    recording = open_recording(path, center_frequency_hz=1e9)
    assert [recording.center_frequency_at(sample) for sample in (0, 3)] == [1e9, 1e9]
    assert said(recording) == [
        ("WARNING", "center_frequency_hz 1e+09 of the request is used; a.sigmf-meta says 1e+09, 1.001e+09")
    ]


def test_merging_the_name_says_what_nothing_else_does(tmp_path):
    path = tmp_path / "x_20MS_2.4GHz.iq"
    path.write_bytes(bytes(80))
    recording = open_recording(path)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (20e6, 2.4e9)
    assert said(recording) == [
        ("INFO", "sample rate 20 MS/s, from its name"),
        ("INFO", "centre frequency 2.4 GHz, from its name"),
    ]
    given = open_recording(path, sample_rate_hz=1e6, center_frequency_hz=5.8e9)
    assert (given.sample_rate_hz, given.center_frequency_hz, given.notes) == (1e6, 5.8e9, ())
    (tmp_path / "x_20MS.xml").write_text("<p><SampleRate>5 MHz</SampleRate></p>")
    assert open_recording(path).sample_rate_hz == 5e6


def test_merging_a_name_with_two_rates_says_none_and_that_is_told(tmp_path):
    path = tmp_path / "x_20MS_50MSps.iq"
    path.write_bytes(bytes(80))
    recording = open_recording(path)
    assert recording.sample_rate_hz is None
    assert said(recording) == [
        ("WARNING", "its name states several sample rates, 20 MS/s and 50 MS/s; none is used")
    ]
    assert open_recording(path, sample_rate_hz=1e6).notes == ()


def test_merging_the_frequency_in_a_name_joins_the_rate_of_a_header(tmp_path):
    path = tmp_path / "SDRSharp_20200101_120000Z_433920000Hz_IQ.wav"
    wavfile.write(path, 2_400_000, ZEROS)
    recording = open_recording(path)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (2.4e6, 433.92e6)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_merging_an_xml_names_the_type_of_one_value(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros(4, dtype))
    name = "float" if dtype == np.complex64 else "double"
    (tmp_path / "a.xml").write_text(f"<p><SampleRate>5 MHz</SampleRate><DataType>{name}</DataType></p>")
    assert open_recording(tmp_path / "a.npy").notes == ()


def test_merging_notes_are_no_part_of_a_digest(tmp_path):
    path = tmp_path / "a.iq"
    path.write_bytes(bytes(80))
    before = open_recording(path)
    (tmp_path / "other.xml").write_text("<p><SampleRate>5 MHz</SampleRate></p>")
    after = open_recording(path)
    assert after.notes
    assert after.digest(0, 10) == before.digest(0, 10)
