"""Samples that are computed from those of a recording while they are read."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.signals.recordings import Recording
from rfuav_ray.signals.stored_samples import Samples, Stored


@dataclass(frozen=True)
class ComputedSamples(ABC):
    """The base of such samples. They are complex if those of `original` are, and as many unless a class says
    otherwise."""

    original: Recording

    @property
    def path(self) -> Path:
        return self.original.samples.path

    @property
    def sample_count(self) -> int:
        return self.original.sample_count

    @property
    def is_complex(self) -> bool:
        return self.original.is_complex

    @property
    def unsigned_zero(self) -> float:
        """Of no effect: these samples are not unsigned."""
        return self.original.samples.unsigned_zero

    def stored(self, start: int, count: int) -> Stored:
        """complex64 (count,), of a real signal float32 (count,). Raises RunError as `StoredSamples.stored`."""
        samples = self.computed(start, count)
        return samples if self.is_complex else samples.real

    @abstractmethod
    def computed(self, start: int, count: int) -> Samples:
        """The samples, complex64 (count,). Bad ones are NaN. Of a real signal the real parts count."""
