"""Simulated radio scenes for demonstrations and tests: a video link or remote control, interference and noise.

The emitters are generic and imitate no product. They are made for 20 MS/s and spectrograms of about 20 ms.
"""

import math
import zlib
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import gaussian_filter1d

from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.recordings import Samples

Frequencies = npt.NDArray[np.float64]

#: fraction of the band, around its centre, that the receiver's filter passes
_PASSBAND = 0.96
#: 256 MB of complex64; simulating takes several times that
_LARGEST_SAMPLE_COUNT = 2**25


class Emitter(Protocol):
    """A simulated transmitter."""

    @property
    def span_hz(self) -> float:
        """Distance from the lowest to the highest frequency it uses."""

    def emit(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        """The signal around `centre_hz`: complex64 (sample_count,), 0 while it is off, cut to the passband."""


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
        signal *= self._is_on(rng, sample_count, sample_rate_hz)
        return signal

    def _symbols(
        self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float, centre_hz: float
    ) -> Samples:
        points = max(16, round(sample_rate_hz / self.subcarrier_spacing_hz))
        frequency_hz = scipy.fft.fftfreq(points, 1 / sample_rate_hz)
        offset_hz = np.abs(frequency_hz - centre_hz)
        used = (offset_hz <= self.bandwidth_hz / 2) & (offset_hz > self.subcarrier_spacing_hz / 2)
        used &= np.abs(frequency_hz) <= _PASSBAND / 2 * sample_rate_hz
        prefix = points // 16
        symbol_count = -(-sample_count // (points + prefix))
        carriers = np.zeros((symbol_count, points), np.complex64)
        quarter_turns = rng.integers(0, 4, (symbol_count, np.count_nonzero(used)))
        carriers[:, used] = np.array([1, 1j, -1, -1j], np.complex64)[quarter_turns]
        symbols = scipy.fft.ifft(carriers, axis=1, norm="ortho")
        return np.concatenate([symbols[:, points - prefix :], symbols], axis=1).ravel()[:sample_count]

    def _is_on(self, rng: np.random.Generator, sample_count: int, sample_rate_hz: float) -> npt.NDArray[np.bool_]:
        period_s = sum(on_s + off_s for on_s, off_s in self.bursts)
        shortest_s = period_s * (1 - self.jitter)
        repeats = math.ceil((sample_count / sample_rate_hz + period_s) / shortest_s)
        lengths_s = np.tile(np.ravel(self.bursts), repeats)
        lengths_s *= rng.uniform(1 - self.jitter, 1 + self.jitter, lengths_s.size)
        ends_s = np.cumsum(lengths_s) - rng.uniform(0, period_s)
        ends = np.clip(np.rint(ends_s * sample_rate_hz), 0, sample_count).astype(np.int64)
        ends[-1] = sample_count
        return np.repeat(np.arange(ends.size) % 2 == 0, np.diff(ends, prepend=0))


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
        heard = np.abs(channel_hz) + self.bandwidth_hz / 2 <= _PASSBAND / 2 * sample_rate_hz
        # Channels fade differently: the level varies by a few dB from hop to hop.
        level = heard * 10 ** (rng.normal(0, 1.5, channel.size) / 20)
        modulation_hz = self._gfsk_hz if self.modulation == "gfsk" else self._chirp_hz
        frequency_hz = channel_hz[hop] + modulation_hz(rng, time_s, sample_rate_hz)
        turns = np.cumsum(frequency_hz / sample_rate_hz)
        amplitude = level[hop] * (time_s - hop * self.hop_s < self.dwell_s)
        phase = (2 * np.pi * (turns % 1)).astype(np.float32)
        signal = np.empty(sample_count, np.complex64)
        signal.real, signal.imag = np.cos(phase), np.sin(phase)
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


EMITTERS: dict[str, Emitter] = {
    "ofdm_5mhz_video": OfdmLink(bandwidth_hz=5e6, subcarrier_spacing_hz=30e3, bursts=((1.6e-3, 0.4e-3),)),
    "ofdm_10mhz_video": OfdmLink(bandwidth_hz=10e6, subcarrier_spacing_hz=15e3, bursts=((4.3e-3, 0.7e-3),)),
    # Differs from ofdm_10mhz_video only in its bursts.
    "ofdm_10mhz_duplex": OfdmLink(
        bandwidth_hz=10e6, subcarrier_spacing_hz=15e3, bursts=((1.8e-3, 0.7e-3), (0.6e-3, 0.9e-3))
    ),
    "ofdm_16mhz_burst": OfdmLink(
        bandwidth_hz=16e6, subcarrier_spacing_hz=60e3, bursts=((0.7e-3, 0.3e-3), (0.7e-3, 2.3e-3))
    ),
    "gfsk_fast_shuffle": HoppingRemote(
        bandwidth_hz=1e6, channels=15, channel_spacing_hz=1e6, hop_s=1e-3, dwell_s=0.6e-3, order="shuffle"
    ),
    # Differs from gfsk_fast_shuffle only in its order.
    "gfsk_fast_zigzag": HoppingRemote(
        bandwidth_hz=1e6, channels=15, channel_spacing_hz=1e6, hop_s=1e-3, dwell_s=0.6e-3, order="zigzag"
    ),
    "gfsk_slow_sweep": HoppingRemote(
        bandwidth_hz=2e6, channels=5, channel_spacing_hz=3e6, hop_s=2.5e-3, dwell_s=1.7e-3, order="sweep"
    ),
    "chirp_slow_shuffle": HoppingRemote(
        bandwidth_hz=0.8e6,
        channels=10,
        channel_spacing_hz=1.5e6,
        hop_s=4e-3,
        dwell_s=3e-3,
        order="shuffle",
        modulation="chirp",
    ),
}

_WIFI = OfdmLink(
    bandwidth_hz=16.6e6,
    subcarrier_spacing_hz=312.5e3,
    bursts=((0.4e-3, 2.5e-3), (0.1e-3, 1.5e-3)),
    jitter=0.9,
)
_BLUETOOTH = HoppingRemote(
    bandwidth_hz=1e6, channels=79, channel_spacing_hz=1e6, hop_s=625e-6, dwell_s=366e-6, order="shuffle"
)
#: what else is on the air beside an emitter, and no drone
INTERFERERS: dict[str, Emitter] = {"wifi": _WIFI, "bluetooth": _BLUETOOTH}


def simulate(
    emitter: str,
    *,
    duration_s: float,
    sample_rate_hz: float,
    snr_db: float,
    seed: int,
    interference: bool = True,
) -> Samples:
    """Simulate one emitter at a random frequency in white noise.

    The same arguments give the same bytes on one machine.

    Args:
        emitter: A key of EMITTERS.
        duration_s: Length of the scene.
        sample_rate_hz: Must hold the emitter's span within the receiver's passband.
        snr_db: The emitter's mean power while it is on, relative to the noise power in the whole band
            (`sample_rate_hz`).
        seed: Seeds everything random, together with the emitter's name.
        interference: Adds Wi-Fi and Bluetooth, each with a probability of 0.5 and 0 to 10 dB below the emitter.

    Returns:
        complex64, shape (n,). The largest magnitude is random, 0.1 to 0.9.

    Raises:
        InvalidInput: An argument cannot be simulated.
    """
    sample_count = _count_samples(emitter, duration_s, sample_rate_hz, snr_db, seed)
    # The seed includes the name: scenes of two emitters with the same seed must not share their noise.
    rng = np.random.default_rng([seed, zlib.crc32(emitter.encode())])
    amplitude = 10 ** (snr_db / 20)
    scene = rng.standard_normal((sample_count, 2), np.float32).view(np.complex64)[:, 0]
    scene *= np.float32(math.sqrt(0.5))
    transmitter = EMITTERS[emitter]
    room_hz = (_PASSBAND * sample_rate_hz - transmitter.span_hz) / 2
    centre_hz = rng.uniform(-room_hz, room_hz)
    scene += amplitude * _unit_power(transmitter.emit(rng, sample_count, sample_rate_hz, centre_hz))
    for neighbour in (_WIFI, _BLUETOOTH) if interference else ():
        present, below_db = rng.random() < 0.5, rng.uniform(0, 10)
        centre_hz = rng.uniform(-0.7, 0.7) * sample_rate_hz
        if present:
            signal = _unit_power(neighbour.emit(rng, sample_count, sample_rate_hz, centre_hz))
            scene += amplitude * 10 ** (-below_db / 20) * signal
    scene *= np.float32(rng.uniform(0.1, 0.9)) / np.abs(scene).max()
    return scene


def _count_samples(emitter: str, duration_s: float, sample_rate_hz: float, snr_db: float, seed: int) -> int:
    """Check the arguments and return the number of samples. Raises InvalidInput."""
    if emitter not in EMITTERS:
        raise InvalidInput("emitter", f"'{emitter}' is unknown; choose one of {', '.join(sorted(EMITTERS))}.")
    needed_hz = EMITTERS[emitter].span_hz / _PASSBAND
    if not (math.isfinite(sample_rate_hz) and sample_rate_hz >= needed_hz):
        raise InvalidInput(
            "sample_rate_hz", f"{sample_rate_hz:g} is too low: {emitter} needs {needed_hz:.4g} or more."
        )
    if not -100 <= snr_db <= 100:
        raise InvalidInput("snr_db", f"{snr_db} is not between -100 and 100.")
    if seed < 0:
        raise InvalidInput("seed", f"{seed} is below 0.")
    if not (math.isfinite(duration_s) and 1 <= round(duration_s * sample_rate_hz) <= _LARGEST_SAMPLE_COUNT):
        raise InvalidInput(
            "duration_s",
            f"{duration_s} s must be 1 to {_LARGEST_SAMPLE_COUNT} samples at {sample_rate_hz:g} samples/s.",
        )
    return round(duration_s * sample_rate_hz)


def _unit_power(signal: Samples) -> Samples:
    """Scale to a mean power of 1 while the signal is on."""
    on = signal[signal != 0]
    # A scene that is shorter than a pause can be silent.
    return signal / np.sqrt(np.mean(np.abs(on) ** 2)) if on.size else signal
