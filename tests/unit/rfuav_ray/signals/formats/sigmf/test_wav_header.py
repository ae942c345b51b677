import numpy as np
import pytest
from scipy.io import wavfile

from rfuav_ray.signals.recordings import open_recording
from tests.support.iq_samples import SAMPLES, interleaved
from tests.support.sigmf_files import write_metadata


@pytest.fixture
def opened(tmp_path):
    """Opens a WAV file of int16 at 48 kHz with these SigMF metadata."""

    def open_with(datatype="ci16_le", *, header_bytes=44, sample_rate=48_000):
        wavfile.write(tmp_path / "r.wav", 48_000, interleaved(SAMPLES * 32767, "<i2"))
        captures = [{"core:sample_start": 0, "core:header_bytes": header_bytes}]
        fields = {"name": "r", "dataset": "r.wav", "sample_rate": sample_rate}
        return open_recording(write_metadata(tmp_path, datatype, captures=captures, **fields))

    return open_with


def test_wav_header_that_agrees_is_nothing_to_tell(opened):
    assert opened().notes == ()


@pytest.mark.parametrize("datatype", ["ci16_le", "cf32_le"])
def test_wav_header_without_header_bytes_is_read_as_its_header_says(opened, datatype):
    recording = opened(datatype, header_bytes=0)
    np.testing.assert_allclose(recording.read(0, recording.sample_count), SAMPLES, atol=1e-4)
    assert "core:header_bytes is missing" in recording.notes[0].message


def test_wav_header_another_type_is_told_of(opened):
    (note,) = opened("cf32_le").notes
    assert (note.level, note.message) == (
        "WARNING",
        "core:datatype says I/Q float32, which is used; the header of the WAV file says I/Q int16",
    )


def test_wav_header_another_rate_is_told_of(opened):
    recording = opened(sample_rate=20e6)
    assert recording.sample_rate_hz == 20e6
    assert "core:sample_rate 20000000 is used; the header of the WAV file says 48000" in recording.notes[0].message
