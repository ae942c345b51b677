"""Simulated signals of no known class, for models whose unknown signals nobody gave: interferers and noise."""

import math
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rfuav_ray.evaluation.data.files import UNKNOWN
from rfuav_ray.evaluation.data.work import Labelled
from rfuav_ray.inference.windows import RecordingSource
from rfuav_ray.models.recording_settings import RecordingSettings, WindowedRecording
from rfuav_ray.signals.recordings import Recording, Samples
from rfuav_ray.signals.simulation.emitters import INTERFERERS
from rfuav_ray.signals.simulation.waveforms import Emitter

#: windows of each kind
SCENES = 30
#: the interferer's mean power while it is on, over the noise power in the whole band, dB
LOWEST_SNR_DB, HIGHEST_SNR_DB = 0.0, 20.0
#: half a minute of work
LARGEST_WINDOW = 2**24
_thread = threading.local()


def unknown_signals(settings: RecordingSettings, kinds: Mapping[str, Emitter] = INTERFERERS) -> list[Labelled]:
    """Windows of noise alone, and of each interferer in noise, as the model draws its recordings.

    Args:
        settings: Of the model, which must state its sample rate.
        kinds: The interferers, by name.

    Returns:
        SCENES windows of each; none if the model's windows are too large to be simulated.
    """
    stft = settings.stft
    if settings.model_rate_hz is None or stft.samples_per_spectrogram > LARGEST_WINDOW:
        return []
    found: list[Labelled] = []
    for kind in ("noise", *kinds):
        for number in range(SCENES):
            name = f"simulated {kind} {number}"
            samples = SimulatedSamples(name, kinds.get(kind), stft.samples_per_spectrogram, stft.sample_rate_hz)
            recording = Recording(samples.path, stft.sample_rate_hz, "complex64", samples)
            windowed = WindowedRecording(recording, recording, stft, 1)
            source = RecordingSource(name, name, windowed, version="1", classifies_noise=True)
            found.append(Labelled(source, name, "unknown", UNKNOWN, len(found)))
    return found


@dataclass(frozen=True)
class SimulatedSamples:
    """Samples that exist while they are drawn. The same name gives the same samples."""

    name: str
    #: None: noise alone
    emitter: Emitter | None
    sample_count: int
    sample_rate_hz: float
    is_complex: bool = True
    #: of no effect: these samples are not unsigned
    unsigned_zero: float = 0.0

    @property
    def path(self) -> Path:
        """Of no file."""
        return Path(self.name)

    def stored(self, start: int, count: int) -> Samples:
        """complex64 (count,)."""
        if getattr(_thread, "key", None) != self:  # a window is read in parts by one thread
            _thread.key, _thread.samples = self, self._simulated()
        samples: Samples = _thread.samples[start : start + count]
        return samples

    def _simulated(self) -> Samples:
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        scene = rng.standard_normal((self.sample_count, 2), np.float32).view(np.complex64)[:, 0]
        scene *= np.float32(math.sqrt(0.5))
        if self.emitter is not None:
            amplitude = 10 ** (rng.uniform(LOWEST_SNR_DB, HIGHEST_SNR_DB) / 20)
            centre_hz = rng.uniform(-0.4, 0.4) * self.sample_rate_hz
            signal = self.emitter.emit(rng, self.sample_count, self.sample_rate_hz, centre_hz)
            power = float(np.mean(np.abs(signal[signal != 0]) ** 2)) if signal.any() else 1.0
            scene += np.float32(amplitude / math.sqrt(power)) * signal
        scene *= np.float32(rng.uniform(0.1, 0.9)) / np.abs(scene).max()
        return scene
