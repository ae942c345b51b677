"""The windows of a recording: where they lie in it, and their pictures."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rfuav_ray.errors import RunError
from rfuav_ray.files import version_of
from rfuav_ray.images.files import RgbImage
from rfuav_ray.images.transforms import resize
from rfuav_ray.models.recording_settings import WindowedRecording
from rfuav_ray.signals.recordings import Recording
from rfuav_ray.signals.resampling.resampled import original_sample
from rfuav_ray.signals.spectrogram import iter_spectrograms, save_spectrogram
from rfuav_ray.signals.stft_blocks import Keys, memory_for
from rfuav_ray.signals.stft_settings import StftSettings

_thread = threading.local()


class Drawing(NamedTuple):
    """A picture as the model takes it."""

    #: uint8 (image_size, image_size, 3); None: nothing is on the air
    image: RgbImage | None
    #: samples that were NaN or infinite and count as 0
    bad_samples: int = 0


@dataclass(frozen=True)
class RecordingSource:
    """A recording of the source."""

    #: as the results name it
    name: str
    #: the name without its suffix, unless another recording has the same; files about the recording begin with it
    target: str
    windowed: WindowedRecording
    #: of the file of samples, when the run began
    version: str
    #: where its spectrograms are kept; None: nowhere
    images_folder: Path | None = None
    #: Whether a window that looks like noise is classified, too. Only a constant is empty then.
    classifies_noise: bool = False

    @property
    def step_s(self) -> float:
        """Seconds from the start of one window to the start of the next."""
        stft = self.windowed.stft
        return stft.samples_between_spectrograms / stft.sample_rate_hz

    def time_s(self, sample: int) -> float:
        """When this sample of the original recording was received, from the start of the recording on."""
        return sample / known_rate_hz(self.windowed.original)

    def first_sample(self, frame: int) -> int:
        """The first sample of a window, in the original recording."""
        return original_sample(self.windowed.recording, frame * self.windowed.stft.samples_between_spectrograms)

    def border(self, frame: int) -> int:
        """The sample of the original recording where a segment begins with this window, or ends before it.

        Windows that overlap share their common part equally.
        """
        step, size = self.windowed.stft.samples_between_spectrograms, self.windowed.stft.samples_per_spectrogram
        if frame == 0:
            return 0
        is_end = frame == self.windowed.window_count
        sample = (frame - 1) * step + size if is_end else frame * step + (size - step) // 2
        return original_sample(self.windowed.recording, sample)


@dataclass(frozen=True)
class Window:
    """A window of a recording."""

    source: RecordingSource
    frame: int

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def time_s(self) -> float:
        return round(self.source.time_s(self.source.first_sample(self.frame)), 9)

    def inputs(self) -> str:
        return self.source.version

    def draw(self, image_size: int) -> Drawing:
        recording, stft = self.source.windowed.recording, self.source.windowed.stft
        (drawn,) = iter_spectrograms(
            recording, stft, first=self.frame, count=1, tells_empty=True, memory=_memory_of_thread(stft)
        )
        if drawn.bad_samples >= stft.samples_per_spectrogram:
            raise RunError(f"{recording.path}: none of the samples of window {self.frame} is a finite number.")
        if self.source.images_folder is not None:
            save_spectrogram(self.source.images_folder / f"{self.source.target}_{self.frame:05d}.png", drawn.image)
        is_empty = drawn.emptiness and not (drawn.emptiness == "noise" and self.source.classifies_noise)
        image = None if is_empty else resize(drawn.image, image_size)
        return Drawing(image, drawn.bad_samples)


def _memory_of_thread(stft: StftSettings) -> Keys:
    """Memory that the windows of a thread share: the pages of new memory take a tenth of the time of a window."""
    shape = stft.columns(stft.samples_per_spectrogram), stft.stft_points
    memory: Keys | None = getattr(_thread, "memory", None)
    if memory is None or memory.shape != shape:
        memory = _thread.memory = memory_for(stft.samples_per_spectrogram, stft)
    return memory


def known_rate_hz(recording: Recording) -> float:
    """The sample rate of a recording that is classified."""
    assert recording.sample_rate_hz is not None, f"{recording.path} has no sample rate"
    return recording.sample_rate_hz


def version_text(recording: Recording) -> str:
    """A text that changes when the files of a recording are changed or replaced."""
    return repr([version_of(path) for path in (recording.path, recording.samples.path)])
