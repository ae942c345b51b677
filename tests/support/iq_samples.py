"""Four IQ samples, and how they are stored and read back."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rfuav_ray.signals.recordings import open_recording

SAMPLES = np.array([0.5 - 0.25j, -1 + 1j, 0.125j, 0.75], np.complex64)


def interleaved(samples: NDArray[Any], data_type: DTypeLike = "<f4") -> NDArray[Any]:
    return np.stack([samples.real, samples.imag], axis=1).astype(data_type)


def read_all(path: Path, **arguments: Any) -> NDArray[Any]:
    recording = open_recording(path, **arguments)
    return recording.read(0, recording.sample_count)
