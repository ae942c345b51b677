"""The outputs of the model for the pictures of an evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rfuav_ray.evaluation.calibration import softmax
from rfuav_ray.evaluation.data.work import Labelled, Mask, Part, Work
from rfuav_ray.inference.prediction_log import Done

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """The outputs of the model for n pictures."""

    #: (n, classes)
    logits: Logits
    #: (n,); UNKNOWN for signals of no known class
    labels: Labels
    #: the recording of each, (n,)
    groups: Labels
    #: (n,); NaN: not known
    snr_db: NDArray[np.float64]
    #: the file of each
    names: Sequence[str] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def probabilities(self, temperature: float) -> NDArray[np.float64]:
        return softmax(self.logits, temperature)

    @property
    def is_right(self) -> Mask:
        return np.asarray(self.logits.argmax(axis=1) == self.labels)

    def where(self, mask: Mask) -> "Scored":
        names = [name for name, is_in in zip(self.names, mask.tolist(), strict=True) if is_in]
        return Scored(self.logits[mask], self.labels[mask], self.groups[mask], self.snr_db[mask], names)


class Outcomes:
    """What became of each picture."""

    def __init__(self, work: Work, classes: int) -> None:
        count = len(work.pictures)
        self._work = work
        self.logits: Logits = np.zeros((count, classes), np.float32)
        self.is_scored, self.is_empty = np.zeros(count, bool), np.zeros(count, bool)

    def fill(self, rows: Iterator[Done]) -> Iterator[tuple[Labelled, Done, bool]]:
        """Take the rows of all pictures in their order. Yields each with its item, and whether it counts."""
        clean = self._work.clean_pictures()
        for number, done in enumerate(rows):
            if done.logits is not None:
                self.logits[number] = done.logits
                self.is_scored[number] = True
            else:
                self.is_empty[number] = "file" in done.row
            is_counted = bool(self.is_scored[number] and self.is_scored[clean[number]])
            yield self._work.items[self._work.item_of[number]], done, is_counted

    def counts(self, part: Part) -> tuple[int, int]:
        """How many pictures of a part could not be read, and how many windows are empty."""
        mask = self._work.part(part)
        return int((mask & ~self.is_scored & ~self.is_empty).sum()), int((mask & self.is_empty).sum())

    def scored(self, part: Part) -> Scored:
        """The pictures of a part that were classified. Of a sweep, those whose clean windows were, too."""
        mask = self._work.part(part) & self.is_scored & self.is_scored[self._work.clean_pictures()]
        items = [self._work.items[number] for number in self._work.item_of[mask]]
        return Scored(
            self.logits[mask],
            np.array([one.label for one in items], np.int64),
            np.array([one.group for one in items], np.int64),
            np.array([one.snr_db for one in items], np.float64),
            [one.name for one in items],
        )
