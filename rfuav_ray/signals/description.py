"""What is known about a recording: what the caller says, what its file says, and what was assumed."""

from dataclasses import dataclass
from typing import Literal

from rfuav_ray.signals.stored_samples import RawSamples, StoredSamples

#: no radio samples faster than this; the bound in the SigMF specification
HIGHEST_RATE_HZ = 1e12


@dataclass(frozen=True)
class Note:
    """A fact about a recording for the task's log. WARNING: assumed, ignored or doubtful."""

    message: str
    level: Literal["INFO", "WARNING"] = "WARNING"


@dataclass(frozen=True)
class Capture:
    """From this sample on the receiver was tuned to this frequency."""

    first_sample: int
    #: radio frequency at 0 Hz of the spectrum; None: not known
    center_frequency_hz: float | None


@dataclass(frozen=True)
class Asked:
    """What the caller says about a recording. It wins over what the file says; None: not said."""

    sample_rate_hz: float | None = None
    center_frequency_hz: float | None = None
    #: of files without a header: one of DATA_TYPES
    data_type: str | None = None
    #: values are samples of a real signal, not interleaved I/Q; for files that cannot say which
    is_real: bool = False
    #: the array in a file that holds several (.mat, .h5)
    variable: str | None = None


@dataclass(frozen=True)
class Described:
    """What a file and its metadata say. The modules of `formats` make it."""

    samples: StoredSamples
    #: numpy's name of the type, without byte order: of one value, or of one sample in a complex array
    data_type: str
    sample_rate_hz: float | None = None
    #: in ascending order; empty: no frequency is known
    captures: tuple[Capture, ...] = ()
    #: what was assumed, ignored or doubtful, without the name of the file
    notes: tuple[Note, ...] = ()


def notes_of_cut(samples: RawSamples) -> tuple[Note, ...]:
    """Name the bytes after the last whole sample, if there are any."""
    if not samples.cut_bytes:
        return ()
    what = "1 byte is" if samples.cut_bytes == 1 else f"{samples.cut_bytes} bytes are"
    return (
        Note(
            f"the last {what} no whole sample and left out: either the file is cut off, or it holds another type"
        ),
    )
