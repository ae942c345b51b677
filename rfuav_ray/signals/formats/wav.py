"""WAV files: two channels are I and Q, one channel is a real signal."""

import struct
from pathlib import Path

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import Asked, Capture, Described, Note
from rfuav_ray.signals.formats.int24 import Int24Samples
from rfuav_ray.signals.formats.wav_chunks import Chunks, read_chunks
from rfuav_ray.signals.stored_samples import WAV_ZERO, RawSamples, check_file

SUFFIXES = frozenset({".wav", ".w64"})

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
#: (format, bits) -> numpy's type of one value, without byte order
_TYPES = {
    (_PCM, 8): "u1",
    (_PCM, 16): "i2",
    (_PCM, 24): "int24",
    (_PCM, 32): "i4",
    (_FLOAT, 32): "f4",
    (_FLOAT, 64): "f8",
}
_NAMES = {"u1": "uint8", "i2": "int16", "int24": "int24", "i4": "int32", "f4": "float32", "f8": "float64"}
_ENCODINGS = {2: "Microsoft ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 85: "MP3"}


def describe(path: Path, _asked: Asked) -> Described:
    """Describe a WAV file. Raises RunError if it cannot be used."""
    check_file(path)
    chunks = read_chunks(path)
    if len(chunks.fmt) < 16:
        raise RunError(f"{path}: the chunk 'fmt ' is cut off; write the file again.")
    code, channels, rate_hz, _, _, bits = struct.unpack(f"{chunks.byte_order}HHIIHH", chunks.fmt[:16])
    if code == _EXTENSIBLE and len(chunks.fmt) >= 26:
        code = struct.unpack(f"{chunks.byte_order}H", chunks.fmt[24:26])[0]
    if (value_type := _TYPES.get((code, bits))) is None:
        what = (
            f"{_ENCODINGS.get(code, f'encoding {code}')} of {bits} bits" if code not in {1, 3} else f"{bits} bits"
        )
        raise RunError(
            f"{path}: its samples are {what}; supported are 8, 16, 24 or 32 bits, and floats of 32 or 64 bits. "
            "Convert it, for example with `sox in.wav -b 16 out.wav`."
        )
    if channels not in {1, 2}:
        raise RunError(f"{path}: has {channels} channels; supported are two (I and Q) or one (a real signal).")
    captures, stated_rate_hz, notes = _auxi(chunks)
    if not rate_hz and stated_rate_hz:
        rate_hz = stated_rate_hz
        notes.append(Note(f"its header has no sample rate; {rate_hz} samples/s is that of its chunk 'auxi'"))
    samples, cut_notes = _samples(path, chunks, value_type, is_complex=channels == 2)
    return Described(samples, _NAMES[value_type], float(rate_hz) or None, captures, notes=(*notes, *cut_notes))


def _samples(
    path: Path, chunks: Chunks, value_type: str, *, is_complex: bool
) -> tuple[RawSamples | Int24Samples, list[Note]]:
    value_bytes = 3 if value_type == "int24" else int(value_type[1])
    sample_bytes = value_bytes * (2 if is_complex else 1)
    count, cut_bytes = divmod(chunks.size_bytes, sample_bytes)
    if count == 0:
        raise RunError(f"{path}: the file holds no samples.")
    notes = []
    if chunks.stated_bytes is None:
        notes.append(Note(f"its header was never completed; all up to its end, {count} samples, is read"))
    elif chunks.stated_bytes > chunks.size_bytes:
        stated = chunks.stated_bytes // sample_bytes
        notes.append(Note(f"the file is cut off: of the {stated} samples in its header, {count} are there"))
    if cut_bytes:
        notes.append(Note(f"the last {cut_bytes} bytes of its samples are no whole sample and left out"))
    if value_type == "int24":
        return Int24Samples(path, count, is_complex, chunks.offset_bytes, chunks.byte_order), notes
    stored_type = f"{'|' if value_type == 'u1' else chunks.byte_order}{value_type}"
    return RawSamples(path, stored_type, is_complex, chunks.offset_bytes, count, WAV_ZERO, cut_bytes), notes


def _auxi(chunks: Chunks) -> tuple[tuple[Capture, ...], int, list[Note]]:
    """The centre frequency and the rate (0: not known) in the chunk of SDR#, HDSDR, SpectraVue and SDRuno.

    The chunk begins with two times of 16 bytes, then centre frequency and rate of the converter, in Hz.
    """
    if len(chunks.auxi) < 40:
        return (), 0, []
    frequency_hz, rate_hz = struct.unpack("<II", chunks.auxi[32:40])
    if not frequency_hz:
        return (), rate_hz, []
    note = Note(f"its chunk 'auxi' states the centre frequency, {frequency_hz} Hz", "INFO")
    return (Capture(0, float(frequency_hz)),), rate_hz, [note]
