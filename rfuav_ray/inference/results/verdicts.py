"""What a recording is: one verdict from the probabilities of its windows, and segments of one class.

The verdict is the class with the highest mean probability over all windows in which something is on the air. A
segment is a run of neighbouring windows of one class. Each window counts as the mean of itself and its neighbours,
which steadies single windows and moves no border. And there is hysteresis: a window that prefers another class by
less than SWITCH does not end a segment.

With a threshold, a segment begins where the signal is known, and ends where its score lies clearly below the
threshold. The score is the probability of the segment's class, or the energy or the largest logit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rfuav_ray.api.results import Segment, Verdict
from rfuav_ray.models.config import Calibration

#: probabilities of all classes
Vector = npt.NDArray[np.float64]

#: by how much another class must be more probable than a segment's to end it
SWITCH = 0.2
#: how far below the threshold of unknown signals a segment goes on, if it is one of a probability
BELOW_THRESHOLD = 0.1
#: the same for other scores, in temperatures: those are what logits are measured in, and differ between models
TEMPERATURES_BELOW = 0.5


class _Window(NamedTuple):
    """A window with something on the air, or the mean of neighbours."""

    probabilities: Vector
    #: None: it is the probability of a class
    score: float | None

    def score_of(self, class_index: int) -> float:
        return float(self.probabilities[class_index]) if self.score is None else self.score


@dataclass
class _Run:
    """Neighbouring windows of one class."""

    class_index: int
    first: int
    last: int
    total: float

    @property
    def probability(self) -> float:
        return self.total / (self.last - self.first + 1)


class WindowVotes:
    """Collects the windows of one recording, in their order. Memory does not grow but with the segments."""

    def __init__(self, class_names: Sequence[str], calibration: Calibration | None) -> None:
        self._class_names = class_names
        calibration = calibration or Calibration()
        self._threshold = calibration.threshold
        is_probability = calibration.score == "probability"
        self._below = BELOW_THRESHOLD if is_probability else TEMPERATURES_BELOW * calibration.temperature
        self._sum = np.zeros(len(class_names))
        self._likeliest = np.zeros(len(class_names), int)
        self._unknown = 0
        self._runs: list[_Run] = []
        #: the last windows with something on the air, without a gap: two at most
        self._last: list[_Window] = []
        self.windows = 0
        self.classified = 0

    def add(self, probabilities: Sequence[float] | None, score: float | None = None) -> None:
        """Add the next window.

        Args:
            probabilities: None: nothing is on the air, or it could not be read.
            score: What the threshold is of; None: the probability.
        """
        if probabilities is None:
            self._end_of_signal()
            self.windows += 1
            return
        window = _Window(np.asarray(probabilities), score)
        best = int(window.probabilities.argmax())
        self.classified += 1
        self._sum += window.probabilities
        self._likeliest[best] += 1
        self._unknown += self._threshold is not None and window.score_of(best) < self._threshold
        if self._last:  # the window before now has both neighbours
            self._assign(self.windows - 1, _mean([*self._last, window]), self._last[-1])
        self._last = [*self._last[-1:], window]
        self.windows += 1

    def verdict(self) -> Verdict | None:
        """None: nothing is on the air."""
        if not self.classified:
            return None
        best = int(self._sum.argmax())
        return Verdict(
            class_name=self._class_names[best],
            probability=round(float(self._sum[best] / self.classified), 6),
            share=round(float(self._likeliest[best] / self.windows), 6),
            unknown=None if self._threshold is None else bool(2 * self._unknown > self.classified),
        )

    def segments(self, border: Callable[[int], float]) -> Iterator[tuple[Segment, int, int]]:
        """The segments, each with its first and last window.

        Args:
            border: The time in s between a window and the one before, in the middle of what both show.
        """
        self._end_of_signal()
        for run in self._runs:
            segment = Segment(
                start_s=border(run.first),
                end_s=border(run.last + 1),
                class_name=self._class_names[run.class_index],
                probability=round(run.probability, 6),
            )
            yield segment, run.first, run.last

    def _end_of_signal(self) -> None:
        """The last window has no neighbour after it."""
        if self._last:
            self._assign(self.windows - 1, _mean(self._last), self._last[-1])
            self._last = []

    def _assign(self, frame: int, smooth: _Window, own: _Window) -> None:
        """Let a window begin a segment or go on with the last one."""
        best = int(smooth.probabilities.argmax())
        run = self._runs[-1] if self._runs and self._runs[-1].last == frame - 1 else None
        if run is not None and self._goes_on(run.class_index, best, smooth):
            run.last = frame
            run.total += float(own.probabilities[run.class_index])
        elif self._threshold is None or smooth.score_of(best) >= self._threshold:
            self._runs.append(_Run(best, frame, frame, float(own.probabilities[best])))

    def _goes_on(self, current: int, best: int, smooth: _Window) -> bool:
        if self._threshold is not None and smooth.score_of(current) < self._threshold - self._below:
            return False
        return best == current or bool(smooth.probabilities[best] - smooth.probabilities[current] < SWITCH)


def _mean(windows: Sequence[_Window]) -> _Window:
    scores = [one.score for one in windows if one.score is not None]
    probabilities = np.mean([one.probabilities for one in windows], axis=0)
    return _Window(probabilities, float(np.mean(scores)) if scores else None)
