"""Other formats under the names of recordings, recognised by the first bytes of the file.

Samples must never be taken for another format. The evidence for each is so long that uniformly distributed bytes
have it with a probability below 1e-9; samples of receivers come close to it even more rarely.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.description import Note
from rfuav_ray.signals.formats.plain_text import header_bytes, kind_of_text

_HEAD_BYTES = 4096

_DECOMPRESS = "decompress it first"
_NO_RECORDING = "remove it or rename it"


@dataclass(frozen=True)
class Format:
    """A format that is not a mere sequence of samples."""

    #: with its article: `a gzip file`
    name: str
    remedy: str


#: (bytes at the start, format). The number of bits that are fixed stands behind each.
_MAGIC: tuple[tuple[re.Pattern[bytes], Format], ...] = tuple(
    (re.compile(pattern, re.DOTALL), Format(name, remedy))
    for pattern, name, remedy in (
        # deflate, no reserved flag, usual level and system: 37 bits
        (rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", "a gzip file", _DECOMPRESS),
        # version below 6.4, high bytes of version and flags, a known method: over 45 bits
        (
            rb"PK\x03\x04[\x00-\x40][\x00-\x0f].[\x00-\x0f][\x00\x08\x09\x0c\x0e\x5d\x5f\x62\x63]\x00",
            "a zip file",
            "unpack it first",
        ),
        (rb"BZh[1-9]1AY&SY", "a bzip2 file", _DECOMPRESS),  # 76 bits
        (rb"\xfd7zXZ\x00", "an xz file", _DECOMPRESS),  # 48 bits
        (rb"\x28\xb5\x2f\xfd", "a zstd file", _DECOMPRESS),  # 32 bits; as float32 -1e37, which no receiver gives
        (rb"\x04\x22\x4d\x18[\x40-\x7f][\x40\x50\x60\x70]", "an lz4 file", _DECOMPRESS),  # 40 bits
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),  # 48 bits
        (rb"Rar!\x1a\x07", "a RAR archive", "unpack it first"),  # 48 bits
        (rb"\x89PNG\r\n\x1a\n", "a PNG image", _NO_RECORDING),  # 64 bits
        # the first segment is a named one or a quantisation table: over 50 bits
        (
            rb"\xff\xd8\xff(?:[\xe0-\xef]..(?:JFIF|Exif|Adob|ICC_|http|Duck)|\xdb\x00[\x43\x84\xc5]\x00)",
            "a JPEG image",
            _NO_RECORDING,
        ),
        (rb"GIF8[79]a", "a GIF image", _NO_RECORDING),  # 47 bits
        # the first directory begins within 2 GiB, or the file is a BigTIFF: 33 bits; as float32 below 1e-38
        (
            rb"II\x2a\x00...[\x00-\x7f]|MM\x00\x2a[\x00-\x7f]|II\x2b\x00\x08\x00\x00\x00",
            "a TIFF image",
            _NO_RECORDING,
        ),
        # reserved bytes, offset of the pixels, and a known length of the header: over 80 bits
        (rb"BM.{4}\x00{4}.{2}\x00\x00[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "a BMP image", _NO_RECORDING),
        (rb"%PDF-[12]\.", "a PDF file", _NO_RECORDING),  # 55 bits
        (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", "name it .h5"),  # 64 bits
        (rb"MATLAB [57]\.\d MAT-file", "a MATLAB file", "name it .mat"),  # over 100 bits
        (rb"\x93NUMPY[\x01-\x03]\x00", "a NumPy file", "name it .npy"),  # 62 bits
        (rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE|riff\x2e\x91\xcf\x11", "a WAV file", "name it .wav"),  # 62 bits
        (rb"RIFF.{4}[A-Z]{3}[A-Z0-9 ]", "a RIFF file", _NO_RECORDING),  # over 40 bits
        (rb"FORM.{4}AIF[FC]", "an AIFF file", "convert it to WAV"),  # 63 bits
        (rb"\.snd\x00\x00[\x00-\x10]..{4}\x00\x00\x00[\x01-\x1b]", "an AU file", "convert it to WAV"),  # 79
        (
            rb"fLaC[\x00\x80]\x00\x00\x22",
            "a FLAC file",
            "convert it to WAV, for example with `flac -d`",
        ),  # 63 bits
        (rb"OggS\x00[\x00-\x07]", "an Ogg file", "convert it to WAV"),  # 45 bits
        (rb"ID3[\x02-\x04]\x00.[\x00-\x7f]{4}", "an MP3 file", _NO_RECORDING),  # 42 bits
        (rb"\x00\x00\x00[\x08-\x40]ftyp", "an MP4 file", _NO_RECORDING),  # 58 bits
        (rb"SQLite format 3\x00", "an SQLite database", _NO_RECORDING),  # 128 bits
        # libpcap of either byte order with version 2.4: 64 bits; pcapng with its byte-order magic: 64 bits
        (
            rb"(?:\xd4\xc3\xb2\xa1|\x4d\x3c\xb2\xa1)\x02\x00\x04\x00|"
            rb"\xa1\xb2(?:\xc3\xd4|\x3c\x4d)\x00\x02\x00\x04|"
            rb"\x0a\x0d\x0d\x0a.{4}(?:\x4d\x3c\x2b\x1a|\x1a\x2b\x3c\x4d)",
            "a pcap file of network packets",
            _NO_RECORDING,
        ),
        (rb"\x7fELF[\x01\x02][\x01\x02]\x01", "an ELF program", _NO_RECORDING),  # 54 bits
        # protocol 4 or 5, the length of a frame below 16 TiB: 56 bits
        (rb"\x80[\x04\x05]\x95.{5}\x00{3}", "a Python pickle", "save the array as .npy instead"),
        (rb"BLUE(?:EEEI|IEEE)", "a MIDAS BLUE file", "convert it to SigMF"),  # 63 bits
        (rb".{257}ustar[\x00 ]", "a tar archive", "unpack it; a SigMF archive is named .sigmf"),  # 47 bits
    )
)
_PARQUET = Format("a Parquet file", "save the samples as .npy instead")


def other_format(path: Path) -> Format | None:
    """The format that the first bytes show; None: they can be samples. Raises OSError if it cannot be read."""
    with open_file(path) as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, os.fstat(file.fileno()).st_size - 4))
        tail = file.read(4)
    for pattern, found in _MAGIC:
        if pattern.match(head):
            return found
    if head.startswith(b"PAR1") and tail == b"PAR1":  # 64 bits
        return _PARQUET
    return Format(*text) if (text := kind_of_text(head)) else None


def refuse_other_formats(path: Path) -> None:
    """Raises RunError if the file is of another format than mere samples, or cannot be read."""
    try:
        found = other_format(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error}") from error
    if found is not None:
        raise RunError(f"{path}: this is {found.name}, not samples; {found.remedy}.")


def unlike(path: Path, wanted: str) -> RunError:
    """The error for a file that lacks the first bytes of the format that its name stands for."""
    try:
        found = other_format(path)
    except OSError as error:
        return RunError(f"{path}: cannot be read: {error}")
    if found is None:
        return RunError(f"{path}: this is not {wanted}: its first bytes are others. Name it as what it is.")
    return RunError(f"{path}: this is {found.name}, not {wanted}; {found.remedy}.")


def notes(path: Path) -> tuple[Note, ...]:
    """A WARNING if text stands before the samples."""
    with open_file(path) as file:
        length = header_bytes(file.read(_HEAD_BYTES))
    if not length:
        return ()
    return (
        Note(
            f"about its first {length // 8 * 8} bytes are text: probably a header, which is read as "
            "samples. Cut it off, or describe the file with SigMF metadata that have core:header_bytes"
        ),
    )
