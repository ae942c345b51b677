"""A simulated wide-band OFDM link."""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from rfuav_ray.signals.simulation.waveforms import PASSBAND, is_on
from rfuav_ray.signals.stored_samples import Samples


@dataclass(frozen=True, kw_only=True)
class OfdmLink:
    """A wide-band OFDM link (QPSK, cyclic prefix of 1/16) that sends in bursts."""

    bandwidth_hz: float
    subcarrier_spacing_hz: float
    #: (on, off) in seconds, repeated
    bursts: tuple[tuple[float, float], ...]
    #: largest random relative deviation of each on and off time
    jitter: float = 0.0

    @property
    def span_hz(self) -> float:
        return self.bandwidth_hz

    def emit(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        signal = self._symbols(rng, sample_count, sample_rate_hz, centre_hz)
        signal *= is_on(rng, self.bursts, sample_count, sample_rate_hz, jitter=self.jitter)
        return signal

    def _symbols(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        points = max(16, round(sample_rate_hz / self.subcarrier_spacing_hz))
        frequency_hz = scipy.fft.fftfreq(points, 1 / sample_rate_hz)
        offset_hz = np.abs(frequency_hz - centre_hz)
        used = (offset_hz <= self.bandwidth_hz / 2) & (offset_hz > self.subcarrier_spacing_hz / 2)
        used &= np.abs(frequency_hz) <= PASSBAND / 2 * sample_rate_hz
        prefix = points // 16
        symbol_count = -(-sample_count // (points + prefix))
        carriers = np.zeros((symbol_count, points), np.complex64)
        quarter_turns = rng.integers(0, 4, (symbol_count, np.count_nonzero(used)))
        carriers[:, used] = np.array([1, 1j, -1, -1j], np.complex64)[quarter_turns]
        symbols = scipy.fft.ifft(carriers, axis=1, norm="ortho")
        return np.concatenate([symbols[:, points - prefix :], symbols], axis=1).ravel()[:sample_count]
