"""How fast an inference works: pictures per second, and seconds of recordings for each second of work."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from rfuav_ray.api.results import InferenceMetrics
from rfuav_ray.inference.pictures import Pictures
from rfuav_ray.inference.prediction_log import Row, file_of


class Pace:
    """Measures this run, without the pictures of earlier ones."""

    def __init__(self, pictures: Pictures) -> None:
        #: seconds of its recording that a window adds
        self._step_s = {one.name: one.step_s for one in pictures.recordings}
        self._predictions = 0
        #: seconds of work and seconds of recording, by recording
        self._work_s: defaultdict[str, float] = defaultdict(float)
        self._heard_s: defaultdict[str, float] = defaultdict(float)
        self._started_s = 0.0
        self._elapsed_s = 0.0

    def start(self) -> None:
        self._started_s = time.perf_counter()

    def batch_done(self, rows: Sequence[Row]) -> None:
        """The time since the last batch is that of these rows, in equal parts."""
        before_s, self._elapsed_s = self._elapsed_s, time.perf_counter() - self._started_s
        for row in rows:
            self._predictions += "file" in row
            name = file_of(row)
            if row["frame"] is not None and name in self._step_s:
                self._work_s[name] += (self._elapsed_s - before_s) / len(rows)
                self._heard_s[name] += self._step_s[name]

    @property
    def per_second(self) -> float:
        return round(self._predictions / max(self._elapsed_s, 1e-9), 1)

    @property
    def real_time_factors(self) -> Mapping[str, float]:
        """Seconds of recording for each second of work on it, by recording."""
        return {name: round(self._heard_s[name] / max(work_s, 1e-9), 2) for name, work_s in self._work_s.items()}

    @property
    def real_time_factor(self) -> float | None:
        """Of all recordings together; None: there was no work on any."""
        work_s = sum(self._work_s.values())
        return round(sum(self._heard_s.values()) / work_s, 2) if work_s else None

    @property
    def metrics(self) -> InferenceMetrics:
        metrics = InferenceMetrics(images_per_second=self.per_second)
        if (factor := self.real_time_factor) is not None:
            metrics["real_time_factor"] = factor
        return metrics

    def described(self) -> str:
        """`, 2.1 times as fast as the recordings last`; empty without recordings."""
        factor = self.real_time_factor
        return "" if factor is None else f", {factor:g} times as fast as the recordings last"
