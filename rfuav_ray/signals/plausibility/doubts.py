"""What is doubtful about the samples of a recording: another type, silence, clipping. A part is looked at."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.data_types import DATA_TYPES
from rfuav_ray.signals.description import Note
from rfuav_ray.signals.plausibility.byte_types import Bytes, likely_types
from rfuav_ray.signals.recordings import Recording
from rfuav_ray.signals.stored_samples import Stored

#: 2 MB of the largest type: some milliseconds, whatever the length of the recording
_PLACES, _SAMPLES_OF_PLACE = 16, 8192
#: places begin at multiples of this, so that values of any type begin there
_ALIGNED_SAMPLES = 8

#: no receiver gives values beyond these
_HIGHEST_VALUE, _LOWEST_VALUE = 1e12, 1e-30
_DOUBTFUL_SHARE = 0.01
#: part of the range; the values there are compared with those at its end
_NEAR_END = 0.02
_CLIPPED_SHARE = 0.05


def doubts(recording: Recording) -> tuple[Note, ...]:
    """What is doubtful about the samples, judged by some of them. It costs the same for any length.

    The places are the same in each call. Only strong evidence counts: see `byte_types`.

    Raises:
        RunError: The file cannot be read, or became shorter.
    """
    places = [_values(stored) for stored in _stored(recording)]
    values = np.concatenate(places)
    if len(values) == 0:
        return ()
    if np.array_equal(values[0::2], np.full_like(values[0::2], values[0])) and (values[1::2] == values[1]).all():
        return (_constant(values, recording),)
    found = [_type_doubt(recording, places, values), _clipping(values)]
    return tuple(note for note in found if note is not None)


def _stored(recording: Recording) -> list[Stored]:
    count, length = recording.sample_count, _SAMPLES_OF_PLACE
    if count <= _PLACES * length:
        starts = np.arange(0, count, length)
    else:
        # Evenly spaced places could all fall between the bursts of a periodic signal.
        rng = np.random.default_rng(0)
        spacing = (count - length) // _PLACES
        starts = np.arange(_PLACES) * spacing + rng.integers(0, spacing, _PLACES)
        starts -= starts % _ALIGNED_SAMPLES
    return [recording.samples.stored(at, min(length, count - at)) for at in starts.tolist()]


def _values(stored: Stored) -> npt.NDArray[Any]:
    """The values, I and Q in turn, as they are stored."""
    flat = np.ascontiguousarray(stored).ravel()
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def _constant(values: npt.NDArray[Any], recording: Recording) -> Note:
    count = len(values) // (2 if recording.is_complex else 1)
    which = "all its samples" if count == recording.sample_count else f"all {count} samples that were looked at"
    return Note(f"{which} are {'0' if not values.any() else 'the same'}: nothing was received")


def _type_doubt(recording: Recording, places: list[npt.NDArray[Any]], values: npt.NDArray[Any]) -> Note | None:
    stored_type = places[0].dtype.str  # `values` are in the byte order of this machine
    likely = likely_types([_bytes(place) for place in places])
    share = _unusual_share(values)
    probably = ""
    if likely and stored_type not in likely:
        probably = f"probably {' or '.join(_name(one) for one in likely)}, not {_name(stored_type)}"
    elif share > _DOUBTFUL_SHARE and (skipped := _header_bytes(places, stored_type)):
        probably = f"probably {_name(stored_type)} that begin {skipped} bytes later or earlier, after a header"
    if share > _DOUBTFUL_SHARE:
        what = f"{share:.0%} of the values are not finite, beyond 1e12 or below 1e-30, as no receiver gives them"
        return Note(f"{what}: {probably or 'another type or a header is likely'}. {_remedy(likely)}")
    return Note(f"its bytes look like another type: {probably}. {_remedy(likely)}") if probably else None


def _unusual_share(values: npt.NDArray[Any]) -> float:
    """The part of floats that no receiver gives; of integers none."""
    if values.dtype.kind != "f":
        return 0.0
    with np.errstate(invalid="ignore"):
        size = np.abs(values.astype(np.float64))
        is_usual = (size == 0) | ((size >= _LOWEST_VALUE) & (size <= _HIGHEST_VALUE))
    return float(1 - is_usual.mean())


def _header_bytes(places: list[npt.NDArray[Any]], stored_type: str) -> int:
    """By how many bytes the values are shifted; 0 if they are not."""
    shifts = range(1, np.dtype(stored_type).itemsize)
    shifted = (one for one in shifts if stored_type in likely_types([_bytes(place)[one:] for place in places]))
    return next(shifted, 0)


def _bytes(place: npt.NDArray[Any]) -> Bytes:
    return place.view(np.uint8)


def _name(value_type: str) -> str:
    return f"{'big-endian ' if value_type[0] == '>' else ''}{np.dtype(value_type).name}"


def _remedy(likely: tuple[str, ...]) -> str:
    if any(one[0] == ">" for one in likely):
        return "Describe the file with SigMF metadata, whose types have a byte order"
    names = [_name(one) for one in likely if _name(one) in DATA_TYPES]
    return f"Set data_type to {' or '.join(names)}" if names else "Set data_type to the right one"


def _clipping(values: npt.NDArray[Any]) -> Note | None:
    if values.dtype.kind not in "iu":
        return None
    limits = np.iinfo(values.dtype)
    near = int(_NEAR_END * (limits.max - int(limits.min)))
    share = 0.0
    for end, limit in ((values.max(), limits.max), (values.min(), int(limits.min))):
        at_end = float(np.mean(values == end))
        beside = float(np.mean((values != end) & (np.abs(values.astype(np.int64) - int(end)) <= near)))
        # A strong signal that just fits is often near the end, too; a clipped one is mostly at it.
        if abs(int(end) - limit) <= near and at_end > 2 * beside:
            share += at_end
    if share < _CLIPPED_SHARE:
        return None
    return Note(
        f"{share:.0%} of the values are at the end of the range of {values.dtype.name}: clipped, or another type"
    )
