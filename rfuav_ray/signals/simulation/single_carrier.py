"""Simulated transmitters with one carrier: analogue video, and digital telemetry."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter1d

from rfuav_ray.signals.simulation.waveforms import Frequencies, constant_envelope, is_on
from rfuav_ray.signals.stored_samples import Samples

#: lines per second, duration of the sync pulse and end of the blanking: of PAL (ITU-R BT.1700)
_LINE_HZ, _SYNC_S, _BLANK_S = 15_625.0, 4.7e-6, 12e-6
#: of the sync pulse, where black is 0 and white is 1
_SYNC_LEVEL = -0.43
#: lines that show the same
_EQUAL_LINES = 12


@dataclass(frozen=True, kw_only=True)
class AnalogVideo:
    """Frequency-modulated analogue video. It never pauses."""

    #: frequency of white less that of black
    deviation_hz: float
    #: picture elements per second
    pixel_rate_hz: float

    @property
    def span_hz(self) -> float:
        """By Carson's rule."""
        return (1 - _SYNC_LEVEL) * self.deviation_hz + 2 * self.pixel_rate_hz

    def emit(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        time_s = np.arange(sample_count) / sample_rate_hz + rng.uniform(0, 1 / _LINE_HZ)
        line = (time_s * _LINE_HZ).astype(np.int64)
        within_s = time_s - line / _LINE_HZ
        pixel = (within_s * self.pixel_rate_hz).astype(np.int64)
        picture = rng.uniform(0, 1, (int(line[-1]) // _EQUAL_LINES + 1, int(pixel.max()) + 1))
        level = picture[line // _EQUAL_LINES, pixel]
        level[within_s < _BLANK_S] = 0
        level[within_s < _SYNC_S] = _SYNC_LEVEL
        smooth: Frequencies = gaussian_filter1d(level, 0.25 * sample_rate_hz / self.pixel_rate_hz)
        middle = (1 + _SYNC_LEVEL) / 2
        return constant_envelope(centre_hz + (smooth - middle) * self.deviation_hz, sample_rate_hz)


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """QPSK with root-raised-cosine pulses that sends in bursts."""

    symbol_rate_hz: float
    rolloff: float
    #: (on, off) in seconds, repeated
    bursts: tuple[tuple[float, float], ...]

    @property
    def span_hz(self) -> float:
        return (1 + self.rolloff) * self.symbol_rate_hz

    def emit(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        symbol_count = max(1, int(sample_count * self.symbol_rate_hz / sample_rate_hz))
        places = (np.arange(symbol_count) * (sample_rate_hz / self.symbol_rate_hz)).astype(np.int64)
        impulses = np.zeros(sample_count, np.complex64)
        impulses[places] = np.exp(0.5j * np.pi * rng.integers(0, 4, symbol_count))
        spectrum = scipy.fft.fft(impulses) * self._pulse(scipy.fft.fftfreq(sample_count, 1 / sample_rate_hz))
        carrier = np.exp(2j * np.pi * centre_hz / sample_rate_hz * np.arange(sample_count))
        signal: Samples = (scipy.fft.ifft(spectrum) * carrier).astype(np.complex64)
        signal *= is_on(rng, self.bursts, sample_count, sample_rate_hz)
        return signal

    def _pulse(self, frequency_hz: Frequencies) -> Frequencies:
        """The root of a raised cosine: 1 in the middle, 0 beyond the span."""
        flat_hz, edge_hz = (1 - self.rolloff) * self.symbol_rate_hz / 2, self.span_hz / 2
        beyond = np.clip((np.abs(frequency_hz) - flat_hz) / (edge_hz - flat_hz), 0, 1)
        falling: Frequencies = np.cos(np.pi / 2 * beyond)
        return falling
