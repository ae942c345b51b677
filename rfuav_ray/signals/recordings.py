"""IQ recordings on disk. Files are memory-mapped, so a file of any size opens at once and is read in parts."""

import math
from dataclasses import dataclass
from pathlib import Path

import mmh3
import numpy as np
import numpy.typing as npt

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.signals import rfuav_xml, sigmf
from rfuav_ray.signals.stored_samples import (
    RawSamples,
    Samples,
    Stored,
    check_file,
    map_file,
    raw_samples,
    to_complex,
)

__all__ = ["DATA_TYPES", "RECORDING_SUFFIXES", "Recording", "Samples", "is_recording", "open_recording"]

#: types of one value in a file without a header: interleaved I/Q, little-endian
DATA_TYPES = ("float32", "int16", "int8", "uint8")
#: RFUAV's recordings are float32; `.bin` has no common type, so the caller has to name it
DEFAULT_DATA_TYPES = {".iq": "float32", ".dat": "float32", ".bin": None}
RECORDING_SUFFIXES = frozenset({*DEFAULT_DATA_TYPES, ".npy", ".wav", *sigmf.SIGMF_SUFFIXES})

#: True for each sample that was finite
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Recording:
    """A readable recording, made by `open_recording`. It holds no open file and no samples: it pickles small."""

    #: for SigMF always the metadata file, even if the caller named the data file
    path: Path
    #: None if neither the recording nor the caller states it
    sample_rate_hz: float | None
    #: numpy's name of the type, without byte order: of one value, or of one sample in a complex .npy file
    data_type: str
    sample_count: int
    #: False for a one-channel WAV file and SigMF's `r...` types: a real signal, whose spectrum is symmetric
    is_complex: bool
    #: radio frequency at 0 Hz of the spectrum; None if neither the recording nor the caller states it
    center_frequency_hz: float | None
    #: None for .npy and .wav files: their header locates the samples
    raw: RawSamples | None

    def read(self, start: int, count: int) -> Samples:
        """Read the samples from `start` up to, but not including, `start + count`.

        NaN and infinite samples become 0, as if nothing had been received. Otherwise one such sample would blank
        every STFT window that contains it.

        Returns:
            complex64, shape (count,). Integers are scaled to -1..1.

        Raises:
            RunError: the range is outside the recording, or the file became shorter.
        """
        return self.read_checked(start, count)[0]

    def read_checked(self, start: int, count: int) -> tuple[Samples, Mask]:
        """Like `read`, with a mask of shape (count,) that is False for each sample that was replaced by 0."""
        stored = self._stored(start, count)
        file = self.raw.path if self.raw else self.path
        samples = to_complex(stored, is_wav=file.suffix.lower() == ".wav")
        finite = np.isfinite(samples)
        samples[~finite] = 0
        return samples, finite

    def digest(self, start: int, count: int) -> str:
        """A digest of these samples as they are stored, and of what the metadata say. Raises as `read`."""
        stored = self._stored(start, count)
        digest = mmh3.mmh3_x64_128(f"{self} {stored.dtype.str}".encode())
        digest.update(np.ascontiguousarray(stored).view(np.uint8).data)
        return digest.digest().hex()

    def _stored(self, start: int, count: int) -> Stored:
        if start < 0 or count < 0 or start + count > self.sample_count:
            raise RunError(
                f"{self.path}: the range {start} to {start + count} is outside its {self.sample_count} samples."
            )
        stored = (self.raw.map() if self.raw else map_file(self.path)[0])[start : start + count]
        if len(stored) < count:
            raise RunError(
                f"{self.path}: the file became shorter while it was read; read it again when it is complete."
            )
        return stored


def is_recording(path: Path) -> bool:
    """Whether a walk over a folder counts this file as one IQ recording.

    The suffix decides, in any case: iq, dat, bin, npy, wav, sigmf-meta, sigmf-data. Hidden files do not count.
    A SigMF pair counts once, see `sigmf.is_counted`.
    """
    if path.suffix.lower() not in RECORDING_SUFFIXES or path.name.startswith("."):
        return False
    return sigmf.is_counted(path)


def open_recording(
    path: Path,
    *,
    sample_rate_hz: float | None = None,
    data_type: str | None = None,
    center_frequency_hz: float | None = None,
) -> Recording:
    """Open a recording without reading its samples.

    Supported files:

    - `.iq`, `.dat`, `.bin`: interleaved I/Q without a header.
    - `.npy`: complex of shape (n,), real of shape (n, 2), or real of shape (2n,) as interleaved I/Q.
    - `.wav`: two channels are I and Q, one channel is a real signal.
    - `.sigmf-meta`, `.sigmf-data`: either file of a SigMF pair.

    Args:
        path: The recording.
        sample_rate_hz: Overrides the rate in SigMF metadata, a WAV header or RFUAV's .xml.
        data_type: One of DATA_TYPES, for files without a header. None: the type in RFUAV's .xml beside the file,
            else float32; a `.bin` file has no default. It must agree with a file that states its own type.
        center_frequency_hz: Overrides the frequency in SigMF metadata or RFUAV's .xml.

    Raises:
        InvalidInput: An argument is wrong or missing.
        RunError: The file cannot be used. The message names it.
    """
    if sample_rate_hz is not None and not 0 < sample_rate_hz <= sigmf.HIGHEST_RATE_HZ:
        raise InvalidInput(
            "sample_rate_hz",
            f"{sample_rate_hz} is not a valid sample rate; it must be above 0 and at most "
            f"{sigmf.HIGHEST_RATE_HZ:g} samples/s.",
        )
    if center_frequency_hz is not None and not math.isfinite(center_frequency_hz):
        raise InvalidInput("center_frequency_hz", f"{center_frequency_hz} is not a valid frequency in Hz.")
    suffix = path.suffix.lower()
    if suffix in DEFAULT_DATA_TYPES:
        return _open_headerless(path, sample_rate_hz, data_type, center_frequency_hz)
    if suffix in sigmf.SIGMF_SUFFIXES:
        return _open_sigmf(path, sample_rate_hz, data_type, center_frequency_hz)
    if suffix not in RECORDING_SUFFIXES:
        raise RunError(f"{path}: an IQ recording is named {', '.join(sorted(RECORDING_SUFFIXES))}.")
    check_file(path)
    stored, header_rate_hz = map_file(path)
    if len(stored) == 0:
        raise RunError(f"{path}: the file holds no samples.")
    stored_type = str(stored.dtype.name)
    _check_agrees(path, data_type, stored_type)
    rate_hz = sample_rate_hz or header_rate_hz
    return Recording(path, rate_hz, stored_type, len(stored), _is_complex(stored), center_frequency_hz, raw=None)


def _is_complex(stored: Stored) -> bool:
    return stored.ndim == 2 or stored.dtype.kind == "c"


def _open_headerless(
    path: Path, rate_hz: float | None, data_type: str | None, center_frequency_hz: float | None
) -> Recording:
    check_file(path)
    said = rfuav_xml.describe(path)
    data_type = data_type or said.data_type or DEFAULT_DATA_TYPES[path.suffix.lower()]
    if data_type not in DATA_TYPES:
        what = f"{path} does not state its type" if data_type is None else f"'{data_type}' is unknown"
        raise InvalidInput("data_type", f"{what}; choose one of {', '.join(DATA_TYPES)}.")
    raw = raw_samples(path, np.dtype(data_type).newbyteorder("<").str)
    frequency_hz = said.center_frequency_hz if center_frequency_hz is None else center_frequency_hz
    rate_hz = rate_hz or said.sample_rate_hz
    return Recording(path, rate_hz, data_type, raw.sample_count, True, frequency_hz, raw)


def _open_sigmf(
    path: Path, rate_hz: float | None, data_type: str | None, center_frequency_hz: float | None
) -> Recording:
    check_file(path)
    path = sigmf.metadata_path(path)
    check_file(path)
    said = sigmf.read_metadata(path)
    stored_type = np.dtype(said.value_type).name
    _check_agrees(path, data_type, stored_type)
    rate_hz = rate_hz or said.sample_rate_hz
    if not said.data_path.exists():
        raise RunError(f"{path}: the data file is missing. Put {said.data_path.name} beside it.")
    raw = raw_samples(
        said.data_path,
        said.value_type,
        is_complex=said.is_complex,
        skipped_bytes=said.header_bytes,
        trailing_bytes=said.trailing_bytes,
    )
    frequency_hz = said.center_frequency_hz if center_frequency_hz is None else center_frequency_hz
    return Recording(path, rate_hz, stored_type, raw.sample_count, raw.is_complex, frequency_hz, raw)


def _check_agrees(path: Path, data_type: str | None, stored_type: str) -> None:
    if data_type not in {None, stored_type}:
        raise InvalidInput("data_type", f"is '{data_type}', but {path} states {stored_type}. Leave data_type out.")
