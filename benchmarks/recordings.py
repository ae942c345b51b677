"""Classify a recording of 100 MS/s, compared with the limits of its parts and with RFUAV's way.

`python -m benchmarks.recordings --seconds 10 --plot docs/images/recording-memory.png`

The limits are measured in the same run: the STFT's window function and FFT alone, on samples in memory, and the
model alone on tensors in memory. On a CPU both share the cores, so the whole has a third limit: their sum.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import scipy.fft
import torch
from matplotlib.figure import Figure as Plot
from scipy.signal import get_window

from benchmarks import model_alone, rfuav_tool
from benchmarks.figures import Figure, show
from benchmarks.memory import memory_sampled
from benchmarks.own_process import in_own_process
from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.inference.run import infer
from rfuav_ray.machine.malloc_tuning import keep_freed_memory
from rfuav_ray.models.build import build_model
from rfuav_ray.models.config import ModelConfig, save_model_config
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.spectrogram import iter_spectrograms
from rfuav_ray.signals.stft_settings import StftSettings

RATE_HZ, WINDOW_S, IMAGE_SIZE, CLASSES = 100e6, 0.1, 224, 37
SETTINGS = StftSettings(sample_rate_hz=RATE_HZ, duration_s=WINDOW_S)
SPECTROGRAM_MUST, WHOLE_MUST, MEMORY_MUST_MB = 0.6, 0.85, 1500
#: samples that the limit of the FFT transforms at once, as `rfuav_ray.signals.stft` does
BLOCK_POINTS = 2**18
SAMPLE_EVERY_S = 0.2


@dataclass(frozen=True)
class Whole:
    """An inference on the recording."""

    real_time_factor: float
    #: (seconds since the start, resident memory in MB)
    memory: list[tuple[float, float]]

    @property
    def peak_mb(self) -> float:
        return max(megabytes for _, megabytes in self.memory)


def measure(seconds: int = 2, runs: int = 3) -> list[Figure]:
    return _measured(seconds, runs)[0]


def _measured(seconds: int, runs: int) -> tuple[list[Figure], Whole]:
    cores = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_recording(folder / "recording.iq", seconds)
        _write_model(folder)
        fft, drawn, wholes, models, tool = [], [], [], [], []
        for _ in range(runs):
            fft.append(in_own_process(fft_alone, folder / "recording.iq"))
            drawn.append(in_own_process(spectrograms_alone, folder / "recording.iq"))
            models.append(in_own_process(_model_alone) * WINDOW_S)
            wholes.append(in_own_process(whole, folder))
            tool.append(in_own_process(tool_alone, folder / "recording.iq"))
    factors = [one.real_time_factor for one in wholes]
    limits = [min(one * cores, model) for one, model in zip(fft, models, strict=True)]
    shared = [1 / (1 / (one * cores) + 1 / model) for one, model in zip(drawn, models, strict=True)]
    work = f"recording at {RATE_HZ / 1e6:g} MS/s"
    of_fft, of_limit = _ratios(drawn, fft), _ratios(factors, limits)
    figures = [
        Figure(work=f"{work}, FFT alone, a core: times real time", values=fft),
        Figure(work=f"{work}, spectrograms, a core: times real time", values=drawn),
        Figure(work=f"{work}, spectrograms: of the FFT alone", values=of_fft, at_least=SPECTROGRAM_MUST),
        Figure(work=f"{work}, model alone, {cores} cores: times real time", values=models),
        Figure(work=f"{work}, the whole, {cores} cores: times real time", values=factors),
        Figure(work=f"{work}, the whole: of the slower limit", values=of_limit, at_least=WHOLE_MUST),
        Figure(work=f"{work}, the whole: of spectrograms and model in turn", values=_ratios(factors, shared)),
        Figure(work=f"{work}, the whole: times RFUAV's way, a core", values=_ratios(factors, tool)),
        Figure(work=f"{work}, memory: MB", values=[one.peak_mb for one in wholes], at_most=MEMORY_MUST_MB),
    ]
    return figures, wholes[-1]


def fft_alone(path: Path) -> float:
    """Window function and FFT of all STFT windows, with the samples of one spectrogram in memory, on one core."""
    points, hop = SETTINGS.stft_points, SETTINGS.hop
    samples = open_recording(path, sample_rate_hz=RATE_HZ).read(0, SETTINGS.samples_per_spectrogram)
    window = get_window(SETTINGS.window, points).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, points)[::hop]
    block = BLOCK_POINTS // points
    buffer = np.empty((block, points), np.complex64)

    def transform() -> None:
        for first in range(0, len(frames), block):
            part = frames[first : first + block]
            scipy.fft.fft(np.multiply(part, window, out=buffer[: len(part)]), axis=1, overwrite_x=True)

    transform()
    seconds = _cpu_seconds()
    for _ in range(5):
        transform()
    return 5 * WINDOW_S / (_cpu_seconds() - seconds)


def spectrograms_alone(path: Path) -> float:
    """Reading and drawing, on one core."""
    keep_freed_memory()
    recording = open_recording(path, sample_rate_hz=RATE_HZ)
    count = sum(1 for _ in iter_spectrograms(recording, SETTINGS, count=2))  # loads modules, makes tables
    seconds = _cpu_seconds()
    count = sum(1 for _ in iter_spectrograms(recording, SETTINGS))
    return count * WINDOW_S / (_cpu_seconds() - seconds)


def whole(folder: Path) -> Whole:
    """Reading, drawing and the model on all cores, in a process of its own as in the service."""
    keep_freed_memory()
    request = InferenceRequest(
        cfg_path=str(folder / "model.yaml"),
        weight_path=str(folder / "weights.pth"),
        source_path=str(folder / "recording.iq"),
        sample_rate_hz=RATE_HZ,
    )
    this = psutil.Process()
    with memory_sampled(lambda: [this], every_s=SAMPLE_EVERY_S) as samples:
        result = infer(request, save_path=folder / "out")
    return Whole(result["real_time_factor"], [(moment_s, megabytes) for moment_s, _, megabytes in samples])


def tool_alone(path: Path) -> float:
    """scipy.signal.stft and matplotlib on one window, on one core."""
    samples = open_recording(path, sample_rate_hz=RATE_HZ).read(0, SETTINGS.samples_per_spectrogram)
    rfuav_tool.spectrogram(samples[: len(samples) // 100])
    seconds = _cpu_seconds()
    rfuav_tool.spectrogram(samples)
    return WINDOW_S / (_cpu_seconds() - seconds)


def _model_alone() -> float:
    precision = model_alone.precision_of("cpu")
    return model_alone.infer_images_per_s(
        "resnet18", device="cpu", precision=precision, batch_size=8, image_size=IMAGE_SIZE, steps=20
    )


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def _cpu_seconds() -> float:
    """CPU time of this process: on one core it is the time without others that share the machine."""
    return time.process_time()


def _write_recording(path: Path, seconds: int) -> None:
    """Write a scene again and again: every window of it has a signal."""
    scene = simulate("ofdm_10mhz_video", duration_s=WINDOW_S, sample_rate_hz=RATE_HZ, snr_db=5, seed=1)
    with path.open("wb") as file:
        for _ in range(round(seconds / WINDOW_S)):
            file.write(scene.data)


def _write_model(folder: Path) -> None:
    torch.manual_seed(0)
    names = tuple(f"drone {number:02d}" for number in range(CLASSES))
    save_model_config(
        folder / "model.yaml",
        ModelConfig(
            model="resnet18",
            num_classes=CLASSES,
            class_names=names,
            image_size=IMAGE_SIZE,
            normalization=None,
            stft=SETTINGS.model_dump(mode="json"),
        ),
    )
    torch.save(build_model("resnet18", CLASSES, image_size=IMAGE_SIZE).state_dict(), folder / "weights.pth")


def _plot(picture: Path, run: Whole, seconds: int) -> None:
    figure = Plot(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*run.memory, strict=True))
    size = f"{seconds} s at {RATE_HZ / 1e6:g} MS/s, {seconds * RATE_HZ * 8 / 1e9:g} GB"
    axes.set(
        title=f"Classifying a recording ({size}) with resnet18",
        xlabel="seconds",
        ylabel="resident memory, MB",
        ylim=(0, None),
    )
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=2, help="length of the recording; default: %(default)s")
    parser.add_argument("--runs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--plot", type=Path, help="picture of the memory over time")
    options = parser.parse_args()
    measured, last = _measured(options.seconds, options.runs)
    show(measured)
    if options.plot:
        _plot(options.plot, last, options.seconds)
