"""Resample recordings, compared with scipy.signal.resample_poly and a filter of the same quality. One core each.

The runs alternate. Rates are in samples of the original per second of processor time.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.signal import resample_poly

from benchmarks.figures import Figure, ratios, run_alone
from rfuav_ray.signals.recordings import Recording, open_recording
from rfuav_ray.signals.resampling.low_pass import filter_taps
from rfuav_ray.signals.resampling.resampled import resampled

#: in MS/s
PAIRS = ((100.0, 20.0), (61.44, 20.0), (50.0, 20.0), (20.0, 2.4))
SAMPLES = 2**21
#: as the STFT reads
PART = 2**17


def measure(runs: int = 5) -> list[Figure]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "noise.sc16"
        noise = np.random.default_rng(0).normal(0, 4000, 2 * SAMPLES)
        noise.astype("<i2").tofile(path)
        return [figure for own, new in PAIRS for figure in _compare(path, own, new, runs)]


def _compare(path: Path, own_mhz: float, new_mhz: float, runs: int) -> list[Figure]:
    recording = open_recording(path, sample_rate_hz=own_mhz * 1e6, data_type="int16")
    lower = resampled(recording, new_mhz * 1e6)
    ratio = Fraction(str(new_mhz)) / Fraction(str(own_mhz))
    up, down = ratio.numerator, ratio.denominator
    # Filtering I and Q as real columns is twice as fast as filtering complex samples.
    columns = recording.read(0, SAMPLES).view(np.float32).reshape(-1, 2)
    taps = filter_taps(1 / down).astype(np.float32)
    ours: list[float] = []
    theirs: list[float] = []
    reading: list[float] = []
    for run in range(runs + 1):
        seconds = (
            _seconds(lambda: _read(lower)),
            _seconds(lambda: resample_poly(columns, up, down, window=taps)),
            _seconds(lambda: _read(recording)),
        )
        if run > 0:  # the first run makes the filter
            for rates, one in zip((ours, theirs, reading), seconds, strict=True):
                rates.append(SAMPLES / 1e6 / one)
    work = f"resampling {own_mhz:g} to {new_mhz:g} MS/s"
    return [
        Figure(work=f"{work}: MS/s", values=ours),
        Figure(work=f"{work}, resample_poly: MS/s", values=theirs),
        Figure(work=f"{work}, reading alone: MS/s", values=reading),
        Figure(work=f"{work}: times resample_poly", values=ratios(ours, theirs)),
    ]


def _read(recording: Recording) -> None:
    for start in range(0, recording.sample_count, PART):
        recording.read(start, min(PART, recording.sample_count - start))


def _seconds(work: Callable[[], object]) -> float:
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=5)
