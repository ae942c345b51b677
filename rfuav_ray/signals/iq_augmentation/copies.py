"""Draws how each copy of a recording differs from it. The same seed and name give the same copy, on any worker."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rfuav_ray.signals.description import Note
from rfuav_ray.signals.iq_augmentation.changed import Change, changed
from rfuav_ray.signals.iq_augmentation.settings import IqAugmentation
from rfuav_ray.signals.noise.noisy import noisy
from rfuav_ray.signals.noise.on_power import OnPower
from rfuav_ray.signals.recordings import Recording

#: rates that differ by less are the same: as well as the clocks of receivers agree
_SAME_RATE = 1e-4


@dataclass(frozen=True)
class Measured:
    """A recording and the powers in it."""

    recording: Recording
    power: OnPower
    sample_rate_hz: float

    def has_rate(self, sample_rate_hz: float) -> bool:
        return abs(self.sample_rate_hz / sample_rate_hz - 1) < _SAME_RATE

    @property
    def has_signal(self) -> bool:
        return self.power.signal_power > 0


def copy_of(
    original: Measured,
    settings: IqAugmentation,
    *,
    name: str,
    number: int,
    samples_per_spectrogram: int,
    interferers: Sequence[Measured] = (),
) -> Recording:
    """The recording's copy with this number, from 1 on. What cannot be changed stays; see `notes_of`.

    Args:
        original: The recording.
        settings: How much copies may differ from it.
        name: Its name, which is a part of the seed.
        number: The number of the copy.
        samples_per_spectrogram: The time shift is a fraction of these.
        interferers: Recordings of which one is added; those with another sample rate do not count.
    """
    seed = zlib.crc32(f"{settings.iq_seed} {number} {name}".encode("utf-8", "surrogateescape"))
    rng = np.random.default_rng(seed)
    recording, power = original.recording, original.power
    shift_hz = rng.uniform(-1, 1) * settings.iq_frequency_shift_hz
    gain = 10 ** (rng.uniform(-1, 1) * settings.iq_gain_db / 20)
    first = round(rng.uniform(0, settings.iq_time_shift) * samples_per_spectrogram)
    snr_db = rng.uniform(*settings.iq_snr_db) if settings.iq_snr_db else math.inf
    interferer_db = rng.uniform(*settings.interferer_db)
    usable = _usable(original, interferers)
    interferer = usable[rng.integers(len(usable))] if usable else None
    interferer_first = int(rng.integers(interferer.recording.sample_count)) if interferer else 0
    ratio = 0.0
    if interferer:
        ratio = power.signal_power * 10 ** (interferer_db / 10) / interferer.power.signal_power
        # Its own noise counts as noise.
        power = OnPower(power.signal_power, power.floor_power + ratio * interferer.power.floor_power)
    change = Change(
        first_sample=first,
        cycles_per_sample=shift_hz / original.sample_rate_hz if recording.is_complex else 0.0,
        gain=1.0,
        interferer=interferer.recording if interferer else None,
        interferer_gain=math.sqrt(ratio),
        interferer_first_sample=interferer_first,
    )
    made = changed(recording, change)
    if original.has_signal and snr_db < math.inf:
        made = noisy(made, snr_db, seed=seed, power=power)
    return changed(made, Change(gain=gain)) if settings.iq_gain_db else made


def notes_of(original: Measured, settings: IqAugmentation, interferers: Sequence[Measured]) -> list[Note]:
    """What the copies of this recording will lack."""
    recording, power = original.recording, original.power
    notes = []
    needs_signal = settings.iq_snr_db is not None or settings.interferers_path is not None
    if needs_signal and not original.has_signal:
        notes.append("nothing in it stands out of its noise, so its copies get neither noise nor interferers")
    elif settings.iq_snr_db and power.snr_db() < settings.iq_snr_db[1]:
        notes.append("its own SNR is below the highest of iq_snr_db; copies that draw more than it get no noise")
    if settings.iq_frequency_shift_hz and not recording.is_complex:
        notes.append("it is a real signal, so its copies are not shifted in frequency")
    if settings.iq_frequency_shift_hz > original.sample_rate_hz / 2:
        notes.append("iq_frequency_shift_hz is more than half of its sample rate, so shifts wrap around its band")
    if settings.interferers_path and original.has_signal and not _usable(original, interferers):
        why = "no interferer has its sample rate" if recording.is_complex else "it is a real signal"
        notes.append(f"{why}, so its copies get no interferer")
    return [Note(text, level="WARNING") for text in notes]


def _usable(original: Measured, interferers: Sequence[Measured]) -> list[Measured]:
    if not (original.has_signal and original.recording.is_complex):
        return []
    return [one for one in interferers if one.has_rate(original.sample_rate_hz)]
