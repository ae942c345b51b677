"""A recording that is shifted in time and frequency, amplified and mixed with another one while it is read."""

from dataclasses import dataclass, replace

import numpy as np

from rfuav_ray.signals.computed_samples import ComputedSamples
from rfuav_ray.signals.recordings import Mask, Recording
from rfuav_ray.signals.stored_samples import Samples


@dataclass(frozen=True, kw_only=True)
class Change:
    #: Sample k is the original's sample k + this. What lies before it comes after the last one.
    first_sample: int = 0
    #: frequency shift in cycles per sample, -0.5 to 0.5; of complex recordings
    cycles_per_sample: float = 0.0
    #: a factor of the amplitude, of the sum of signal and interferer
    gain: float = 1.0
    #: of complex recordings; it repeats until the recording ends
    interferer: Recording | None = None
    #: a factor of its amplitude
    interferer_gain: float = 0.0
    #: its sample that is added to sample 0
    interferer_first_sample: int = 0


def changed(recording: Recording, change: Change) -> Recording:
    """The recording with the change. No sample is read yet."""
    return replace(recording, samples=ChangedSamples(recording, change))


@dataclass(frozen=True)
class ChangedSamples(ComputedSamples):
    """The samples of `original` with a change."""

    change: Change

    def computed(self, start: int, count: int) -> Samples:
        change = self.change
        samples, finite = _read_round(self.original, start + change.first_sample, count)
        if change.cycles_per_sample:
            cycles = change.cycles_per_sample * np.arange(start, start + count)
            samples = samples * np.exp(2j * np.pi * (cycles % 1)).astype(np.complex64)
        if change.interferer is not None:
            added, _ = _read_round(change.interferer, start + change.interferer_first_sample, count)
            samples = samples + np.float32(change.interferer_gain) * added
        samples = samples * np.float32(change.gain)
        samples[~finite] = np.nan
        return samples


def _read_round(recording: Recording, start: int, count: int) -> tuple[Samples, Mask]:
    """`Recording.read_checked`, where the first sample comes again after the last one."""
    parts: list[tuple[Samples, Mask]] = []
    while count > 0:
        start %= recording.sample_count
        size = min(count, recording.sample_count - start)
        parts.append(recording.read_checked(start, size))
        start, count = start + size, count - size
    if len(parts) == 1:
        return parts[0]
    samples = [np.empty(0, np.complex64), *(part for part, _ in parts)]
    return np.concatenate(samples), np.concatenate([np.empty(0, bool), *(mask for _, mask in parts)])
