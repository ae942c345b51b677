"""What a simulated transmitter is, and what several of them are made of."""

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.stored_samples import Samples

#: Hz, one for each sample
Frequencies = npt.NDArray[np.float64]

#: fraction of the band, around its centre, that the receiver's filter passes
PASSBAND = 0.96


class Emitter(Protocol):
    """A simulated transmitter."""

    @property
    def span_hz(self) -> float:
        """Distance from the lowest to the highest frequency it uses."""

    def emit(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        """The signal around `centre_hz`: complex64 (sample_count,), 0 while it is off, cut to the passband."""


def constant_envelope(frequency_hz: Frequencies, sample_rate_hz: float) -> Samples:
    """A signal of amplitude 1 with this frequency at each sample: complex64 (sample_count,)."""
    turns = np.cumsum(frequency_hz / sample_rate_hz)
    phase = (2 * np.pi * (turns % 1)).astype(np.float32)
    signal = np.empty(len(phase), np.complex64)
    signal.real, signal.imag = np.cos(phase), np.sin(phase)
    return signal


def is_on(
    rng: np.random.Generator,
    bursts: tuple[tuple[float, float], ...],
    sample_count: int,
    sample_rate_hz: float,
    *,
    jitter: float = 0.0,
) -> npt.NDArray[np.bool_]:
    """Whether a transmitter of bursts is on, bool (sample_count,), from a random moment of its period on.

    Args:
        rng: Source of randomness.
        bursts: (on, off) in seconds, repeated.
        sample_count: How many samples.
        sample_rate_hz: Samples per second.
        jitter: Largest random relative deviation of each on and off time.
    """
    period_s = sum(on_s + off_s for on_s, off_s in bursts)
    shortest_s = period_s * (1 - jitter)
    repeats = math.ceil((sample_count / sample_rate_hz + period_s) / shortest_s)
    lengths_s = np.tile(np.ravel(bursts), repeats)
    lengths_s *= rng.uniform(1 - jitter, 1 + jitter, lengths_s.size)
    ends_s = np.cumsum(lengths_s) - rng.uniform(0, period_s)
    ends = np.clip(np.rint(ends_s * sample_rate_hz), 0, sample_count).astype(np.int64)
    ends[-1] = sample_count
    return np.repeat(np.arange(ends.size) % 2 == 0, np.diff(ends, prepend=0))
