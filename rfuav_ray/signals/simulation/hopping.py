"""A simulated frequency hopper."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from rfuav_ray.signals.simulation.waveforms import PASSBAND, Frequencies, constant_envelope
from rfuav_ray.signals.stored_samples import Samples


@dataclass(frozen=True, kw_only=True)
class HoppingRemote:
    """A narrow-band frequency hopper with a constant envelope."""

    bandwidth_hz: float
    channels: int
    channel_spacing_hz: float
    hop_s: float
    #: how long it transmits in each hop
    dwell_s: float
    #: shuffle: rounds that visit each channel once, in a new random order; sweep: upwards, then again from the
    #: bottom; zigzag: up and down
    order: Literal["shuffle", "sweep", "zigzag"]
    modulation: Literal["gfsk", "chirp"] = "gfsk"

    @property
    def span_hz(self) -> float:
        return (self.channels - 1) * self.channel_spacing_hz + self.bandwidth_hz

    def emit(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        time_s = np.arange(sample_count) / sample_rate_hz + rng.uniform(0, self.hop_s)
        hop = (time_s / self.hop_s).astype(np.int64)
        channel = self._channels(rng, int(hop[-1]) + 1)
        channel_hz = centre_hz + (channel - (self.channels - 1) / 2) * self.channel_spacing_hz
        heard = np.abs(channel_hz) + self.bandwidth_hz / 2 <= PASSBAND / 2 * sample_rate_hz
        # Channels fade differently: the level varies by a few dB from hop to hop.
        level = heard * 10 ** (rng.normal(0, 1.5, channel.size) / 20)
        modulation_hz = self._gfsk_hz if self.modulation == "gfsk" else self._chirp_hz
        frequency_hz = channel_hz[hop] + modulation_hz(rng, time_s, sample_rate_hz)
        amplitude = level[hop] * (time_s - hop * self.hop_s < self.dwell_s)
        signal = constant_envelope(frequency_hz, sample_rate_hz)
        signal *= amplitude.astype(np.float32)
        return signal

    def _channels(self, rng: np.random.Generator, hop_count: int) -> npt.NDArray[np.int64]:
        if self.order == "shuffle":
            rounds = -(-hop_count // self.channels)
            tours = np.tile(np.arange(self.channels), (rounds, 1))
            rng.permuted(tours, axis=1, out=tours)
            return tours.ravel()[:hop_count]
        up = np.arange(self.channels)
        period: npt.NDArray[np.int64] = up if self.order == "sweep" else np.concatenate([up, up[-2:0:-1]])
        return np.resize(np.roll(period, rng.integers(period.size)), hop_count)

    def _gfsk_hz(self, rng: np.random.Generator, time_s: Frequencies, sample_rate_hz: float) -> Frequencies:
        """Frequency deviation of GFSK: modulation index 0.5 and a Gaussian filter with BT 0.5, as in Bluetooth."""
        bit_rate_hz = self.bandwidth_hz
        bit = (time_s * bit_rate_hz).astype(np.int64)
        bits = rng.choice(np.array([-1.0, 1.0]), int(bit[-1]) + 1)
        # The impulse response of a Gaussian filter with 3 dB bandwidth B has the standard deviation
        # sqrt(ln 2) / (2 pi B).
        sigma = math.sqrt(math.log(2)) / (2 * math.pi * 0.5 * bit_rate_hz) * sample_rate_hz
        shaped: Frequencies = gaussian_filter1d(bits[bit], sigma)
        return 0.25 * bit_rate_hz * shaped

    def _chirp_hz(self, rng: np.random.Generator, time_s: Frequencies, sample_rate_hz: float) -> Frequencies:
        """Frequency deviation of chirp spread spectrum: each symbol is an up-chirp that starts at its value.

        At the upper end of the band the chirp wraps to the lower end.
        """
        symbol_s = 2**7 / self.bandwidth_hz
        position = time_s / symbol_s
        symbol = position.astype(np.int64)
        value = rng.uniform(0, 1, int(symbol[-1]) + 1)
        return self.bandwidth_hz * ((position - symbol + value[symbol]) % 1 - 0.5)
