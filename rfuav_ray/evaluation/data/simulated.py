"""Simulated signals of no known class, for models whose unknown signals nobody gave: interferers and noise."""

import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rfuav_ray.evaluation.data.files import UNKNOWN
from rfuav_ray.evaluation.data.work import Labelled
from rfuav_ray.inference.windows import RecordingSource
from rfuav_ray.models.recording_settings import RecordingSettings, WindowedRecording
from rfuav_ray.signals.recordings import Recording
from rfuav_ray.signals.simulation.scene import UNKNOWN_KINDS, UnknownKind, simulate_unknown
from rfuav_ray.signals.stored_samples import Samples

#: windows of each kind
SCENES = 25
#: an interferer's mean power while it is on, over the noise power in the whole band, dB
LOWEST_SNR_DB, HIGHEST_SNR_DB = 0.0, 20.0
#: samples; simulating one takes some seconds
LARGEST_WINDOW = 2**24
_thread = threading.local()


def unknown_signals(settings: RecordingSettings) -> list[Labelled]:
    """Windows of noise alone and of interferers in noise, as the model draws its recordings.

    Args:
        settings: Of the model, which must state its sample rate.

    Returns:
        SCENES windows of each kind; none if the model's windows are too large to be simulated.
    """
    stft = settings.stft
    if settings.model_rate_hz is None or stft.samples_per_spectrogram > LARGEST_WINDOW:
        return []
    found = []
    for number, kind in enumerate(UNKNOWN_KINDS * SCENES):
        samples = SimulatedSamples(kind, number, stft.samples_per_spectrogram, stft.sample_rate_hz)
        name = samples.path.name
        recording = Recording(samples.path, stft.sample_rate_hz, "complex64", samples)
        windowed = WindowedRecording(recording, recording, stft, 1)
        source = RecordingSource(name, name, windowed, version="1", classifies_noise=True)
        found.append(Labelled(source, name, "unknown", UNKNOWN, number))
    return found


@dataclass(frozen=True)
class SimulatedSamples:
    """Samples that exist while they are drawn. The same number gives the same samples."""

    kind: UnknownKind
    number: int
    sample_count: int
    sample_rate_hz: float
    is_complex: bool = True
    #: of no effect: these samples are not unsigned
    unsigned_zero: float = 0.0

    @property
    def path(self) -> Path:
        """A name, of no file."""
        return Path(f"simulated {self.kind} {self.number}")

    def stored(self, start: int, count: int) -> Samples:
        """complex64 (count,)."""
        if getattr(_thread, "scene", None) != self:  # one thread reads the parts of a window
            seed = zlib.crc32(self.path.name.encode())
            _thread.samples = simulate_unknown(
                duration_s=self.sample_count / self.sample_rate_hz,
                sample_rate_hz=self.sample_rate_hz,
                seed=seed,
                snr_db=float(np.random.default_rng(seed).uniform(LOWEST_SNR_DB, HIGHEST_SNR_DB)),
                kind=self.kind,
            )
            _thread.scene = self
        samples: Samples = _thread.samples[start : start + count]
        return samples
