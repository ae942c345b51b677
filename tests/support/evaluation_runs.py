"""Small evaluations: a model that knows two signals, and recordings of them that are made here."""

import csv
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.api.results import EvaluationResult
from rfuav_ray.evaluation.run import evaluate_model
from rfuav_ray.events import RunEvent
from rfuav_ray.images.transforms import resize, scale
from rfuav_ray.models.build import build_model
from rfuav_ray.models.config import ModelConfig, save_model_config
from rfuav_ray.signals.recordings import Samples, open_recording
from rfuav_ray.signals.spectrogram import iter_spectrograms
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.signals.writers import write_sigmf
from tests.support.signals import noise

RATE_HZ = 1e6
SETTINGS = StftSettings(sample_rate_hz=RATE_HZ, stft_points=128, duration_s=0.02, image_size=32)
WINDOW = SETTINGS.samples_per_spectrogram
CLASSES = ("long bursts", "short bursts")


class Evaluation:
    """A model of two classes, a folder of data, and what an evaluation of it gives."""

    def __init__(self, folder: Path) -> None:
        self._lie_in(folder)
        self.config = ModelConfig(
            model="resnet18",
            num_classes=len(CLASSES),
            class_names=CLASSES,
            image_size=32,
            stft=SETTINGS.model_dump(mode="json"),
        )
        save_model_config(folder / "model.yaml", self.config)
        torch.save(_fitted(folder / "known").state_dict(), folder / "weights.pth")

    def moved(self, folder: Path) -> "Evaluation":
        """The same in a copy of its folder."""
        other = copy(self)
        other._lie_in(folder)  # noqa: SLF001 - of the same class
        return other

    def _lie_in(self, folder: Path) -> None:
        self.folder, self.data, self.out = folder, folder / "data", folder / "out"
        self.events: list[RunEvent] = []

    def scores(self) -> list[dict[str, str]]:
        with (self.out / "scores.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def evaluate(self, fields: Mapping[str, Any] | None = None, **options: Any) -> EvaluationResult:
        request = EvaluationRequest(
            cfg_path=str(self.folder / "model.yaml"),
            weight_path=str(self.folder / "weights.pth"),
            data_path=str(self.data),
            **({"precision": "fp32"} | dict(fields or {})),
        )
        return evaluate_model(request, save_path=self.out, **({"report": self.events.append} | options))

    def messages(self, level: str = "INFO") -> list[str]:
        return [event.message for event in self.events if event.message and event.level == level]


def bursts(label: int, windows: int, snr_db: float, seed: int) -> Samples:
    """Bursts of a wide signal in noise: of 8 ms, or of 3 ms. They are on for half of the time."""
    rng, count = np.random.default_rng([seed, label]), windows * WINDOW
    size = (8000, 3000)[label]
    is_on = (np.arange(count) + rng.integers(2 * size)) // size % 2 == 0
    signal = np.convolve(noise(count, [seed, label, 1]), np.ones(8) / 8**0.5, "same")
    return (signal * is_on + 10 ** (-snr_db / 20) * noise(count, [seed, label, 2])).astype(np.complex64) * 0.1


def add_recording(folder: Path, name: str, label: int, *, windows: int = 3, snr_db: float, seed: int) -> Path:
    path = folder / CLASSES[label] / f"{name}.sigmf-meta"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sigmf(path, bursts(label, windows, snr_db, seed), sample_rate_hz=RATE_HZ, center_frequency_hz=2.4e9)
    return path


def pictures_of(path: Path) -> list[Any]:
    """The spectrograms of a recording."""
    return [one.image for one in iter_spectrograms(open_recording(path), SETTINGS)]


def add_images(folder: Path, name: str, label: int, *, snr_db: float, seed: int) -> None:
    """The spectrograms of a recording as images <class>/<name>_<number>.png."""
    recording = add_recording(folder / "recordings", name, label, snr_db=snr_db, seed=seed)
    (folder / CLASSES[label]).mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(pictures_of(recording)):
        cv2.imencode(".png", image[..., ::-1])[1].tofile(folder / CLASSES[label] / f"{name}_{number:04}.png")


def _fitted(folder: Path) -> torch.nn.Module:
    """A network of random weights whose last layer is fitted by least squares: a training of a second."""
    torch.manual_seed(0)
    model = build_model("resnet18", len(CLASSES), image_size=32).eval()
    pictures, labels = [], []
    for label in range(len(CLASSES)):
        for number, snr_db in enumerate((0, 5, 10, 15, 20, 30)):
            path = add_recording(folder, f"k{number}", label, windows=6, snr_db=snr_db, seed=100 + number)
            found = [resize(image, 32) for image in pictures_of(path)]
            pictures += found
            labels += [label] * len(found)
    head = cast("torch.nn.Linear", model.fc)
    model.fc = torch.nn.Identity()
    with torch.inference_mode():
        features = model(scale(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2), None)).numpy()
    inputs = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    targets = 4.0 * np.eye(len(CLASSES))[labels] - 2
    ridge = 1e-2 * np.trace(inputs.T @ inputs) / inputs.shape[1] * np.eye(inputs.shape[1])
    solved = np.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ targets)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(solved[:-1].T))
        head.bias.copy_(torch.from_numpy(solved[-1]))
    model.fc = head
    return model
