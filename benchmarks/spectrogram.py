"""Draw spectrograms in the style of RFUAV's tool, compared with the tool's own way: matplotlib. One core each.

The runs alternate. Both start with samples in memory and end with an RGB image in memory.
"""

import time
from collections.abc import Callable

import cv2

from benchmarks import rfuav_tool
from benchmarks.figures import Figure, ratios, run_alone
from rfuav_ray.signals.rendering import render
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.stft_settings import StftSettings

#: sample rate in Hz and duration in seconds of an image
SCENES = ((20e6, 0.02), (61.44e6, 0.05), (100e6, 0.1))
MUST = 20.0


def measure(runs: int = 3) -> list[Figure]:
    cv2.setNumThreads(1)
    figures = []
    for rate_hz, duration_s in SCENES:
        samples = simulate("ofdm_10mhz_video", duration_s=duration_s, sample_rate_hz=rate_hz, snr_db=5, seed=1)
        settings = StftSettings(sample_rate_hz=rate_hz, duration_s=duration_s)
        ours: list[float] = []
        theirs: list[float] = []
        for run in range(runs + 1):
            seconds = _seconds(render, samples, settings), _seconds(rfuav_tool.spectrogram, samples)
            if run > 0:  # the first run loads modules and makes tables
                ours.append(1 / seconds[0])
                theirs.append(1 / seconds[1])
        work = f"spectrogram of {duration_s * 1e3:g} ms at {rate_hz / 1e6:g} MS/s"
        figures += [
            Figure(work=f"{work}: images/s", values=ours),
            Figure(work=f"{work}, matplotlib: images/s", values=theirs),
            Figure(work=f"{work}: times matplotlib", values=ratios(ours, theirs), at_least=MUST),
        ]
    return figures


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    started_s = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started_s


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
