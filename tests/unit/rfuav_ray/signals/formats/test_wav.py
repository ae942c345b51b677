"""WAV files of every kind, as SDR programs and interrupted recordings leave them."""

import struct
import wave

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import open_recording
from tests.support.iq_samples import SAMPLES, interleaved

HALF = SAMPLES * 0.5
PCM, FLOAT = 1, 3


def wav(
    data,
    *,
    code=PCM,
    bits=16,
    channels=2,
    rate=48_000,
    magic=b"RIFF",
    size=None,
    extra=b"",
    before=b"",
    after=b"",
):
    order = ">" if magic == b"RIFX" else "<"
    frame = channels * bits // 8
    fmt = struct.pack(f"{order}HHIIHH", code, channels, rate, rate * frame, frame, bits) + extra
    size = len(data) if size is None else size
    body = b"WAVE" + before + chunk(b"fmt ", fmt, order) + b"data" + struct.pack(f"{order}I", size) + data + after
    return magic + struct.pack(f"{order}I", len(body)) + body


def chunk(name, content, order="<"):
    return name + struct.pack(f"{order}I", len(content)) + content + b"\0" * (len(content) % 2)


def opened(tmp_path, content, name="a.wav", **asked):
    (tmp_path / name).write_bytes(content)
    return open_recording(tmp_path / name, **asked)


def int24(values):
    return b"".join(int(value).to_bytes(3, "little", signed=True) for value in np.ravel(values))


@pytest.mark.parametrize(
    ("stored", "given", "name"),
    [
        (np.rint(interleaved(HALF, "f8") * 128 + 128).astype("u1").tobytes(), {"bits": 8}, "uint8"),
        (np.rint(interleaved(HALF, "f8") * 32768).astype("<i2").tobytes(), {}, "int16"),
        (np.rint(interleaved(HALF, "f8") * 32768).astype(">i2").tobytes(), {"magic": b"RIFX"}, "int16"),
        (int24(np.rint(interleaved(HALF, "f8") * 2**23)), {"bits": 24}, "int24"),
        (np.rint(interleaved(HALF, "f8") * 2**31).astype("<i4").tobytes(), {"bits": 32}, "int32"),
        (interleaved(HALF).tobytes(), {"code": FLOAT, "bits": 32}, "float32"),
        (interleaved(HALF, "<f8").tobytes(), {"code": FLOAT, "bits": 64}, "float64"),
        (
            np.rint(interleaved(HALF, "f8") * 32768).astype("<i2").tobytes(),
            {"code": 0xFFFE, "extra": struct.pack("<HHIH14s", 22, 16, 3, PCM, b"")},
            "int16",
        ),
    ],
)
def test_wav_of_every_type_gives_the_same_samples(tmp_path, stored, given, name):
    recording = opened(tmp_path, wav(stored, **given))
    assert (recording.data_type, recording.sample_rate_hz, recording.notes) == (name, 48_000, ())
    np.testing.assert_allclose(recording.read(1, 3), HALF[1:], atol=0.004)


def test_wav_of_24_bits_is_read_in_parts_and_with_its_sign(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 3, 8000, 0, "NONE", ""))
        file.writeframes(int24([-(2**23), 2**22, -1, 2**23 - 1]))
    recording = open_recording(tmp_path / "a.wav")
    assert not recording.is_complex
    np.testing.assert_allclose(recording.read(0, 4), [-1, 0.5, -(2**-23), 1], atol=1e-6)
    np.testing.assert_array_equal(recording.read(1, 1), [0.5])


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_wav_whose_header_was_never_completed_is_read_to_its_end(tmp_path, size):
    recording = opened(tmp_path, wav(np.ones((100, 2), "<i2").tobytes() + b"\0", size=size))
    assert recording.sample_count == 100
    messages = [note.message for note in recording.notes]
    assert "never completed" in messages[0]
    assert "last 1 bytes" in messages[1]


def test_wav_that_is_cut_off_is_read_up_to_there(tmp_path):
    recording = opened(tmp_path, wav(np.ones((1000, 2), "<i2").tobytes())[:445])
    assert len(recording.read(0, recording.sample_count)) == 100
    assert recording.notes[0].message == "the file is cut off: of the 1000 samples in its header, 100 are there"


def test_wav_chunks_around_the_data_are_no_samples(tmp_path):
    content = wav(
        np.full((10, 2), 16384, "<i2").tobytes(), before=chunk(b"LIST", b"odd"), after=chunk(b"id3 ", b"tag")
    )
    recording = opened(tmp_path, content)
    np.testing.assert_array_equal(recording.read(0, 10), np.full(10, 0.5 + 0.5j))
    assert not recording.notes


def auxi(frequency_hz, rate_hz):
    return chunk(b"auxi", struct.pack("<32x5I", frequency_hz, rate_hz, 0, 0, 0) + bytes(40))


def test_wav_centre_frequency_is_that_of_the_chunk_of_sdr_programs(tmp_path):
    recording = opened(tmp_path, wav(bytes(400), before=auxi(433_920_000, 2_400_000)))
    assert (recording.center_frequency_hz, recording.sample_rate_hz) == (433.92e6, 48_000)
    assert [(note.level, "433920000 Hz" in note.message) for note in recording.notes] == [("INFO", True)]


def test_wav_without_a_rate_has_that_of_the_chunk_of_sdr_programs(tmp_path):
    recording = opened(tmp_path, wav(bytes(400), before=auxi(0, 2_400_000), rate=0))
    assert (recording.center_frequency_hz, recording.sample_rate_hz) == (None, 2.4e6)
    assert "auxi" in recording.notes[0].message
    assert opened(tmp_path, wav(bytes(400), rate=0)).sample_rate_hz is None


def test_wav_of_more_than_4_gb_has_its_size_in_ds64(tmp_path):
    data = np.full((100, 2), 8192, "<i2").tobytes()
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, len(data), 100, 0))
    recording = opened(
        tmp_path, wav(data, magic=b"RF64", size=0xFFFFFFFF, before=ds64, after=chunk(b"LIST", b"abcd"))
    )
    assert (recording.sample_count, recording.notes) == (100, ())


def test_wav_of_more_than_4_gb_whose_size_overflowed_is_read_whole(tmp_path):
    with (tmp_path / "a.wav").open("wb") as file:
        file.write(wav(b"", size=4000))
        file.truncate(44 + 4000 + 2**32)
    recording = open_recording(tmp_path / "a.wav")
    assert recording.sample_count == (4000 + 2**32) // 4
    assert "never completed" in recording.notes[0].message


def test_wav_of_sony_is_read(tmp_path):
    def part(name, content):
        return name + bytes(12) + struct.pack("<Q", 24 + len(content)) + content + b"\0" * (-len(content) % 8)

    fmt = struct.pack("<HHIIHH", PCM, 2, 96_000, 384_000, 4, 16)
    data = np.full((3, 2), 16384, "<i2").tobytes()
    riff = bytes.fromhex("726966662e91cf11a5d628db04c10000") + bytes(8) + b"wave" + bytes(12)
    recording = opened(tmp_path, riff + part(b"fmt ", fmt) + part(b"data", data) + part(b"junk", b"abc"), "a.w64")
    assert (recording.sample_rate_hz, recording.sample_count, recording.notes) == (96_000, 3, ())
    np.testing.assert_array_equal(recording.read(0, 3), np.full(3, 0.5 + 0.5j))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (wav(bytes(400), code=6, bits=8), "A-law of 8 bits"),
        (wav(bytes(400), bits=12), "12 bits"),
        (wav(bytes(400), channels=4), "has 4 channels"),
        (wav(b""), "holds no samples"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03" + bytes(90), "this is a gzip file, not a WAV file"),
        (bytes(100), "not a WAV file"),
        (b"RIFF\x10\0\0\0WAVE" + chunk(b"data", bytes(40)), "no chunk 'fmt '"),
    ],
)
def test_wav_that_cannot_be_read_is_refused_in_words(tmp_path, content, message):
    with pytest.raises(RunError, match=message):
        opened(tmp_path, content)
