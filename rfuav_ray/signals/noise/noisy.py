"""A recording with white noise at a stated in-band SNR. The noise is made while it is read."""

import math
from dataclasses import dataclass, replace

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.signals.computed_samples import ComputedSamples
from rfuav_ray.signals.noise.on_power import OnPower, on_power
from rfuav_ray.signals.recordings import Recording
from rfuav_ray.signals.stored_samples import Samples

#: Samples whose noise shares a generator. A sample's noise is the same in whatever range it is read.
_NOISE_BLOCK = 2**16


def noisy(
    recording: Recording,
    snr_db: float,
    *,
    seed: int,
    bandwidth_hz: float | None = None,
    power: OnPower | None = None,
) -> Recording:
    """The recording with white noise, so that its in-band SNR is `snr_db`. No sample is kept in memory.

    The noise that it has already counts. If its SNR is already lower, nothing is added; see `OnPower.snr_db`.

    Args:
        recording: The recording.
        snr_db: Emitter's mean power while it is on, over the noise power in `bandwidth_hz`, in dB.
        seed: The same seed gives the same noise, in whatever parts the recording is read.
        bandwidth_hz: The band whose noise counts; None: all of the recording's.
        power: From `on_power`; None: it is estimated now.

    Raises:
        RunError: Nothing in the recording stands out of its noise, or the band is not within the recording's.
    """
    power = power or on_power(recording)
    if power.signal_power <= 0:
        raise RunError(
            f"{recording.path}: nothing in it stands out of its noise, so no SNR can be set; give a recording "
            "with a stronger signal."
        )
    wanted = power.signal_power / 10 ** (snr_db / 10) / band_share(recording, bandwidth_hz)
    added = max(0.0, wanted - power.floor_power)
    return replace(recording, samples=NoisySamples(recording, math.sqrt(added), seed))


def band_share(recording: Recording, bandwidth_hz: float | None) -> float:
    """The share of `bandwidth_hz` in the recording's band; 1 for None. Raises RunError if it is no share."""
    if bandwidth_hz is None:
        return 1.0
    if recording.sample_rate_hz is None:
        raise RunError(f"{recording.path}: its sample rate is not known; state sample_rate_hz for bandwidth_hz.")
    band_hz = recording.sample_rate_hz if recording.is_complex else recording.sample_rate_hz / 2
    if not 0 < bandwidth_hz <= band_hz:
        raise RunError(
            f"{recording.path}: bandwidth_hz {bandwidth_hz:.10g} must be above 0 and at most {band_hz:.10g}, all "
            "that its sample rate holds."
        )
    return bandwidth_hz / band_hz


@dataclass(frozen=True)
class NoisySamples(ComputedSamples):
    """The samples of `original` with white noise of this root mean square."""

    noise_rms: float
    seed: int

    def computed(self, start: int, count: int) -> Samples:
        samples, finite = self.original.read_checked(start, count)
        made = samples + self._noise(start, count)
        made[~finite] = np.nan
        return made

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
