"""The pictures of an evaluation with what is known about them, in one order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rfuav_ray.errors import InvalidInput
from rfuav_ray.inference.pictures import Pictures, Source
from rfuav_ray.inference.windows import RecordingSource

Mask = NDArray[np.bool_]

#: More would take some GB of memory: each picture has a few hundred bytes beside the model's outputs.
MAX_PICTURES = 5_000_000
#: outputs of the model, pictures times classes; the numbers take up to 40 bytes of each
MAX_OUTPUTS = 200_000_000
#: test: the labelled data; fit: those of calibration_path; sweep: test with noise; unknown: of no known class
Part = Literal["test", "fit", "sweep", "unknown"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Labelled:
    """An image or recording, and what is known about it."""

    source: Source
    #: of the file, relative to the folder of its part
    name: str
    part: Part
    #: the class's index; UNKNOWN: none
    label: int
    #: the recording's number, from 0 within its part
    group: int
    #: NaN: not known
    snr_db: float = np.nan
    #: of the sweep: the position of the clean recording in the work
    clean: int | None = None

    @property
    def picture_count(self) -> int:
        return self.source.windowed.window_count if isinstance(self.source, RecordingSource) else 1


class Work:
    """All pictures of an evaluation in one order, so that one pass scores them and one log resumes it."""

    def __init__(self, items: Sequence[Labelled]) -> None:
        self.items = items
        self.pictures = Pictures([one.source for one in items])
        counts = [one.picture_count for one in items]
        #: the item of each picture
        self.item_of = np.repeat(np.arange(len(items)), counts)
        self._starts = np.cumsum([0, *counts[:-1]])

    @property
    def described(self) -> str:
        """`48 images and windows, 432 with noise added, 90 of unknown signals`"""
        says = {"test": "images and windows", "sweep": "with noise added", "fit": "of calibration_path"}
        counts = {part: int(self.part(part).sum()) for part in PARTS}
        said = [f"{count} {says.get(part, 'of unknown signals')}" for part, count in counts.items() if count]
        return ", ".join(said)

    def part(self, part: Part) -> Mask:
        """Which pictures are of this part, (pictures,)."""
        return np.array([one.part == part for one in self.items], bool)[self.item_of]

    def clean_pictures(self) -> NDArray[np.int64]:
        """For each picture of a sweep that of the clean recording; any other is its own."""
        numbers = np.arange(len(self.item_of))
        clean = np.array([n if one.clean is None else one.clean for n, one in enumerate(self.items)], np.int64)
        return np.asarray(numbers - self._starts[self.item_of] + self._starts[clean[self.item_of]])


def check_size(pictures: int, classes: int, *, field: str) -> None:
    """Raise InvalidInput for `field` if the outputs for so many pictures would not fit into memory."""
    most = min(MAX_PICTURES, MAX_OUTPUTS // classes)
    if pictures > most:
        reason = f"there are {pictures:,} images and windows to score, and {most:,} at most with {classes} classes"
        raise InvalidInput(field, f"{reason}. Evaluate fewer or shorter recordings, or fewer ratios.")


def numbered(names: Sequence[Any]) -> list[int]:
    """A number for each different name, from 0, in their order."""
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]
