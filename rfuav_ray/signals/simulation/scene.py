"""Simulated radio scenes for demonstrations and tests: one emitter or none, interference, noise, the receiver."""

import math
import zlib
from typing import Literal, get_args

import numpy as np

from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.simulation.emitters import BLUETOOTH, EMITTERS, HELD_OUT, WIFI
from rfuav_ray.signals.simulation.nuisances import Nuisances
from rfuav_ray.signals.simulation.receiver import coloured, received, with_echoes
from rfuav_ray.signals.simulation.waveforms import PASSBAND, Emitter
from rfuav_ray.signals.stored_samples import Samples

#: 256 MB of complex64; simulating takes several times that
_LARGEST_SAMPLE_COUNT = 2**25

UnknownKind = Literal["noise", "wifi", "bluetooth", "wifi_and_bluetooth"]
#: what is on the air when no emitter is
UNKNOWN_KINDS: tuple[UnknownKind, ...] = get_args(UnknownKind)


def simulate(
    emitter: str,
    *,
    duration_s: float,
    sample_rate_hz: float,
    snr_db: float,
    seed: int,
    interference: bool = True,
    nuisances: Nuisances | None = None,
) -> Samples:
    """Simulate one recording of an emitter at a random frequency in noise.

    The same arguments give the same bytes on one machine. A recording of several spectrograms has one frequency
    and one set of nuisances.

    Args:
        emitter: A key of EMITTERS or HELD_OUT.
        duration_s: Length of the recording.
        sample_rate_hz: Must hold the emitter's span within the receiver's passband.
        snr_db: The emitter's mean power while it is on, relative to the noise power in the whole band
            (`sample_rate_hz`), before the receiver's filter.
        seed: Seeds everything random, together with the emitter's name, but for the nuisances.
        interference: Adds Wi-Fi and Bluetooth, each with a probability of 0.5 and 0 to 10 dB below the emitter.
        nuisances: Of the place and the receiver; None: an ideal receiver in free space.

    Returns:
        complex64, shape (n,). The largest magnitude is random, 0.1 to 0.9, less the gain of the nuisances.

    Raises:
        InvalidInput: An argument cannot be simulated.
    """
    transmitter = EMITTERS.get(emitter) or HELD_OUT.get(emitter)
    if transmitter is None:
        known = ", ".join([*sorted(EMITTERS), *sorted(HELD_OUT)])
        raise InvalidInput("emitter", f"'{emitter}' is unknown; choose one of {known}.")
    needed_hz = transmitter.span_hz / PASSBAND
    if not (math.isfinite(sample_rate_hz) and sample_rate_hz >= needed_hz):
        raise InvalidInput(
            "sample_rate_hz", f"{sample_rate_hz:g} is too low: {emitter} needs {needed_hz:.4g} or more."
        )
    sample_count = _count_samples(duration_s, sample_rate_hz, snr_db, seed)
    # The seed includes the name: scenes of two emitters with the same seed must not share their noise.
    scene = _Scene([seed, zlib.crc32(emitter.encode())], sample_count, sample_rate_hz, snr_db, nuisances)
    room_hz = (PASSBAND * sample_rate_hz - transmitter.span_hz) / 2
    scene.add(transmitter, scene.rng.uniform(-room_hz, room_hz))
    for neighbour in (WIFI, BLUETOOTH) if interference else ():
        present, below_db = scene.rng.random() < 0.5, scene.rng.uniform(0, 10)
        centre_hz = scene.rng.uniform(-0.7, 0.7) * sample_rate_hz
        if present:
            scene.add(neighbour, centre_hz, below_db)
    return scene.recorded()


def simulate_unknown(
    *,
    duration_s: float,
    sample_rate_hz: float,
    seed: int,
    snr_db: float = 10.0,
    kind: UnknownKind | None = None,
    nuisances: Nuisances | None = None,
) -> Samples:
    """Simulate a recording without any emitter: noise alone, or Wi-Fi or Bluetooth or both of them in noise.

    Args:
        duration_s: Length of the recording.
        sample_rate_hz: Any. At a low rate Bluetooth is seldom in the band.
        seed: Seeds everything random but for the nuisances.
        snr_db: Of each neighbour, as in `simulate`.
        kind: One of UNKNOWN_KINDS; None: it is drawn.
        nuisances: As in `simulate`.

    Returns:
        complex64, shape (n,), as from `simulate`.

    Raises:
        InvalidInput: An argument cannot be simulated.
    """
    if kind is not None and kind not in UNKNOWN_KINDS:
        raise InvalidInput("kind", f"'{kind}' is unknown; choose one of {', '.join(UNKNOWN_KINDS)}.")
    if not (math.isfinite(sample_rate_hz) and sample_rate_hz > 0):
        raise InvalidInput("sample_rate_hz", f"{sample_rate_hz:g} must be above 0.")
    sample_count = _count_samples(duration_s, sample_rate_hz, snr_db, seed)
    scene = _Scene([seed, zlib.crc32(b"unknown")], sample_count, sample_rate_hz, snr_db, nuisances)
    drawn = UNKNOWN_KINDS[scene.rng.integers(len(UNKNOWN_KINDS))]
    for name, neighbour in (("wifi", WIFI), ("bluetooth", BLUETOOTH)):
        centre_hz = scene.rng.uniform(-0.4, 0.4) * sample_rate_hz
        if name in (kind or drawn):
            scene.add(neighbour, centre_hz)
    return scene.recorded()


class _Scene:
    """Noise of power 1, to which signals are added."""

    def __init__(
        self,
        seed: list[int],
        sample_count: int,
        sample_rate_hz: float,
        snr_db: float,
        nuisances: Nuisances | None,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self._sample_rate_hz, self._snr_db = sample_rate_hz, snr_db
        self._nuisances = nuisances or Nuisances()
        noise = self.rng.standard_normal((sample_count, 2), np.float32).view(np.complex64)[:, 0]
        noise *= np.float32(math.sqrt(0.5))
        self._samples = coloured(noise, self._nuisances)

    def add(self, emitter: Emitter, centre_hz: float, below_db: float = 0.0) -> None:
        """Add a signal at the scene's SNR, or so many dB below it."""
        centre_hz += self._nuisances.carrier_offset_hz
        signal = emitter.emit(self.rng, len(self._samples), self._sample_rate_hz, centre_hz)
        if self._nuisances.echoes:
            signal = with_echoes(signal, self._nuisances, self._sample_rate_hz)
        self._samples += 10 ** (self._snr_db / 20) * 10 ** (-below_db / 20) * _unit_power(signal)

    def recorded(self) -> Samples:
        """The samples that the receiver records."""
        samples = received(self._samples, self._nuisances)
        level = self.rng.uniform(0.1, 0.9) * 10 ** (self._nuisances.gain_db / 20)
        samples *= np.float32(level) / np.abs(samples).max()
        return samples


def _count_samples(duration_s: float, sample_rate_hz: float, snr_db: float, seed: int) -> int:
    """Check the arguments and return the number of samples. Raises InvalidInput."""
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
