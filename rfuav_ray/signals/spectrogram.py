"""The spectrograms of a recording: how many it gives, and each of them in constant memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.files import replacing
from rfuav_ray.signals.emptiness.window import Emptiness, Empty
from rfuav_ray.signals.recordings import Recording, Samples
from rfuav_ray.signals.rendering import STYLES
from rfuav_ray.signals.stft_blocks import Keys, StftBlocks, memory_for
from rfuav_ray.signals.stft_settings import LARGEST_SIDE, StftSettings
from rfuav_ray.signals.styles.colors import Image


@dataclass(frozen=True)
class Spectrogram:
    """One spectrogram of a recording."""

    #: position in the recording, from 0
    index: int
    #: time in the recording at which it starts
    time_s: float
    #: RGB uint8 (height, width, 3)
    image: Image
    #: how many of its samples were NaN or infinite and were read as 0
    bad_samples: int
    #: why nothing is on the air in it; empty: something is, or nobody asked
    emptiness: Empty = ""


def spectrogram_count(recording: Recording, settings: StftSettings) -> int:
    """How many spectrograms the recording gives, 1 or more. A remainder shorter than one spectrogram is ignored.

    The recording's own sample rate overrides the rate in the settings.

    Raises:
        RunError: The recording is shorter than one spectrogram, or its sample rate gives a spectrogram too few
            samples or too many columns.
    """
    settings = settings.at_rate(recording.sample_rate_hz)
    size, rate_hz = settings.samples_per_spectrogram, settings.sample_rate_hz
    if size < settings.stft_points:
        raise RunError(
            f"{recording.path}: at its {rate_hz:g} samples/s a spectrogram of {settings.duration_s} s has "
            f"{size} samples, fewer than stft_points ({settings.stft_points}); increase duration_s or reduce "
            "stft_points."
        )
    columns = settings.columns(size)
    if settings.style == "peak" and settings.image_size is None and columns > LARGEST_SIDE:
        raise RunError(
            f"{recording.path}: at its {rate_hz:g} samples/s a spectrogram of {settings.duration_s} s has "
            f"{columns} STFT columns, too many for pixels; set image_size, or reduce duration_s."
        )
    if recording.sample_count < size:
        raise RunError(
            f"{recording.path}: {recording.sample_count} samples are {recording.sample_count / rate_hz:.6g} "
            f"s at {rate_hz:g} samples/s; one spectrogram needs {size} ({settings.duration_s:g} s). "
            "Record longer, or reduce duration_s."
        )
    return 1 + (recording.sample_count - size) // settings.samples_between_spectrograms


def iter_spectrograms(
    recording: Recording,
    settings: StftSettings,
    *,
    first: int = 0,
    count: int | None = None,
    tells_empty: bool = False,
    memory: Keys | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> Iterator[Spectrogram]:
    """Draw the spectrograms of a recording one after the other.

    Each spectrogram depends only on its own samples, so that several workers can share a long recording.

    Args:
        recording: The recording.
        settings: The recording's own sample rate overrides theirs.
        first: Index of the first spectrogram.
        count: How many; None: all from `first` on.
        tells_empty: Whether to look if anything is on the air.
        memory: From `memory_for`, for callers that draw windows one by one; None: its own.
        go_on: Called for each part that is read. It may raise to stop.

    Raises:
        RunError: As for `spectrogram_count`, or the range is outside the recording. The call itself raises it,
            before the first spectrogram is drawn.
    """
    total = spectrogram_count(recording, settings)
    end = total if count is None else first + count
    if not 0 <= first <= end <= total:
        raise RunError(f"{recording.path}: the range {first} to {end} is outside its {total} spectrograms.")
    settings = settings.at_rate(recording.sample_rate_hz)
    step, size = settings.samples_between_spectrograms, settings.samples_per_spectrogram

    def draw() -> Iterator[Spectrogram]:
        kept = memory_for(size, settings) if memory is None else memory
        for index in range(first, end):
            read = _RecordingReader(recording, index * step, go_on)
            emptiness = Emptiness(settings, size, is_complex=recording.is_complex) if tells_empty else None
            blocks = StftBlocks(read, size, settings, emptiness.add if emptiness else None, memory=kept)
            image = STYLES[settings.style](blocks, settings)
            yield Spectrogram(
                index,
                index * step / settings.sample_rate_hz,
                image,
                read.bad_samples,
                emptiness.verdict() if emptiness else "",
            )

    return draw()


def save_spectrogram(path: Path, image: Image) -> None:
    """Write an RGB image (height, width, 3) in the format of the file's suffix, atomically and without a flush.

    Raises:
        RunError: The format is unknown, or the image cannot be encoded in it.
    """
    try:
        content = encoded(image, path.suffix)
    except RunError as error:
        raise RunError(f"{path}: {error}") from error
    with replacing(path, flush=False) as temporary:
        temporary.write_bytes(content)


def encoded(image: Image, suffix: str) -> bytes:
    """An RGB image (height, width, 3) as a file of this suffix has it. Raises RunError if it cannot be encoded."""
    try:
        written, content = cv2.imencode(suffix, np.ascontiguousarray(image[:, :, ::-1]))
    except cv2.error as error:
        raise RunError(f"there is no image format named '{suffix}'; use .png or .jpg.") from error
    if not written:
        raise RunError(f"the image could not be encoded as {suffix}.")
    return content.tobytes()


class _RecordingReader:
    """Reads a recording forwards from one sample on, and counts the bad samples."""

    def __init__(self, recording: Recording, first: int, go_on: Callable[[], None]) -> None:
        self.bad_samples = 0
        self._go_on = go_on
        self._recording, self._first = recording, first
        self._seen = 0

    def __call__(self, start: int, count: int) -> Samples:
        self._go_on()
        samples, finite = self._recording.read_checked(self._first + start, count)
        # A block repeats the last samples of the previous one; each sample must count once.
        new = finite[max(0, self._seen - start) :]
        self.bad_samples += len(new) - int(np.count_nonzero(new))
        self._seen = start + count
        return samples
