"""What an inference classifies: images, and the windows of recordings. Each becomes one picture and one row."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.limits import MAX_IMAGE_BYTES
from rfuav_ray.files import content_digest
from rfuav_ray.images.files import read_image
from rfuav_ray.images.transforms import resize
from rfuav_ray.inference.windows import Drawing, RecordingSource, Window


class Picture(Protocol):
    """One picture of the source."""

    @property
    def name(self) -> str:
        """The file, as the results name it."""

    @property
    def frame(self) -> int | None:
        """The window's number in its recording; None: an image."""

    @property
    def time_s(self) -> float | None:
        """Where the window begins; None: an image."""

    def inputs(self) -> str:
        """A text that changes with what the picture is made from."""

    def draw(self, image_size: int) -> Drawing:
        """Make the picture, at (image_size, image_size). Raises RunError if it cannot be made."""


@dataclass(frozen=True)
class ImageFile:
    name: str
    path: Path
    frame: None = None
    time_s: None = None

    def inputs(self) -> str:
        return content_digest(self.path, largest_bytes=MAX_IMAGE_BYTES)

    def draw(self, image_size: int) -> Drawing:
        return Drawing(resize(read_image(self.path), image_size))


@dataclass(frozen=True)
class Unusable:
    """A recording that cannot be classified. It gives a failure."""

    name: str
    reason: str
    has_no_rate: bool = False
    frame: None = None
    time_s: None = None

    def inputs(self) -> str:
        return self.reason

    def draw(self, image_size: int) -> Drawing:
        raise RunError(self.reason)


Source = ImageFile | Unusable | RecordingSource


class Pictures:
    """All pictures of a source in order. A recording takes no memory for its windows."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        counts = (one.windowed.window_count if isinstance(one, RecordingSource) else 1 for one in sources)
        self._ends = list(accumulate(counts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def recordings(self) -> list[RecordingSource]:
        return [one for one in self.sources if isinstance(one, RecordingSource)]

    @property
    def described(self) -> str:
        """`3 images and 2 recordings (60 s in 600 windows)`"""
        images = sum(isinstance(one, ImageFile) for one in self.sources)
        recordings = self.recordings
        windows = sum(one.windowed.window_count for one in recordings)
        duration_s = sum(one.time_s(one.windowed.original.sample_count) for one in recordings)
        said = [f"{images} {'image' if images == 1 else 'images'}"] if images or not recordings else []
        if recordings:
            noun = "recording" if len(recordings) == 1 else "recordings"
            said.append(f"{len(recordings)} {noun} ({duration_s:.6g} s in {windows} windows)")
        return " and ".join(said)

    def after(self, done: int) -> Iterator[Picture]:
        """The pictures without the first `done`."""
        number = bisect_right(self._ends, done)
        skipped = done - (self._ends[number - 1] if number else 0)
        for one in self.sources[number:]:
            if isinstance(one, RecordingSource):
                yield from (Window(one, frame) for frame in range(skipped, one.windowed.window_count))
            else:
                yield one
            skipped = 0
