"""Samples with white noise that is made while they are read."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rfuav_ray.signals.recordings import Recording
from rfuav_ray.signals.stored_samples import Samples, Stored

#: Samples whose noise shares a generator. A sample's noise is the same in whatever range it is read.
_NOISE_BLOCK = 2**16


@dataclass(frozen=True)
class NoisySamples:
    """The samples of `original` with white noise of this root mean square. Bad samples are NaN."""

    original: Recording
    noise_rms: float
    seed: int

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
        samples, finite = self.original.read_checked(start, count)
        made = samples + self._noise(start, count)
        made[~finite] = np.nan
        return made if self.is_complex else made.real

    def _noise(self, start: int, count: int) -> Samples:
        first, end = start // _NOISE_BLOCK, -(-(start + count) // _NOISE_BLOCK)
        blocks = [self._noise_block(block) for block in range(first, end)]
        noise = np.concatenate([np.empty(0, np.complex64), *blocks])
        return noise[start - first * _NOISE_BLOCK :][:count]

    def _noise_block(self, block: int) -> Samples:
        rng = np.random.default_rng([self.seed, block])
        if not self.is_complex:
            return (np.float32(self.noise_rms) * rng.standard_normal(_NOISE_BLOCK, np.float32)).astype(
                np.complex64
            )
        noise = rng.standard_normal((_NOISE_BLOCK, 2), np.float32).view(np.complex64)[:, 0]
        noise *= np.float32(self.noise_rms * math.sqrt(0.5))
        return noise
