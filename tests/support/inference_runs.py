"""Small inferences on pictures that are made here."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.api.requests.fields import ClassOrder
from rfuav_ray.api.results import InferenceResult
from rfuav_ray.events import RunEvent
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.inference.run import infer
from rfuav_ray.models.build import build_model
from rfuav_ray.models.config import ModelConfig, save_model_config
from rfuav_ray.signals.recordings import Samples
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.signals.writers import write_sigmf
from tests.support.signals import noise, tone

RATE_HZ, CENTER_HZ = 1e6, 2.4e9
#: samples of a window at RATE_HZ
WINDOW = 10_000
#: small spectrograms: 10,000 samples of 1 MS/s
STFT = {
    **StftSettings(sample_rate_hz=RATE_HZ, stft_points=128, duration_s=0.01, image_size=48).model_dump(mode="json")
}


class Run:
    """A model of random weights, a folder of pictures, and what an inference over them gives."""

    def __init__(self, folder: Path, *, num_classes: int = 7, model: str = "mobilenet_v3_small") -> None:
        torch.manual_seed(0)
        self.folder = folder
        self.source = folder / "source"
        self.source.mkdir()
        self.out = folder / "out"
        names = tuple(f"drone {index}" for index in range(num_classes))
        self.config = ModelConfig(
            model=model, num_classes=num_classes, class_names=names, image_size=32, normalization=IMAGENET
        )
        save_model_config(folder / "model.yaml", self.config)
        self.model = build_model(model, num_classes, image_size=32).eval()
        self.save_weights()
        self.events: list[RunEvent] = []

    @classmethod
    def for_recordings(cls, folder: Path) -> "Run":
        """A run in a new folder, with a model that knows how to draw spectrograms."""
        folder.mkdir()
        run = cls(folder)
        run.knows_spectrograms()
        return run

    def save_weights(self) -> None:
        torch.save(self.model.state_dict(), self.folder / "weights.pth")

    def add_images(self, *names: str) -> None:
        for index, name in enumerate(names):
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = np.random.default_rng(index).integers(0, 255, (40, 50, 3), dtype=np.uint8)
            path.write_bytes(cv2.imencode(path.suffix.lower(), picture)[1].tobytes())

    def add_recording(self, name: str, samples: Samples, *, rate_hz: float = RATE_HZ) -> Path:
        """A SigMF recording `<name>.sigmf-meta`. Returns its metadata."""
        path = self.source / f"{name}.sigmf-meta"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sigmf(path, samples, sample_rate_hz=rate_hz, center_frequency_hz=CENTER_HZ)
        return path

    def knows_spectrograms(self, **stft: Any) -> None:
        """The model's config says how its spectrograms were made."""
        self.config = self.config.model_copy(update={"stft": {**STFT, **stft}})
        save_model_config(self.folder / "model.yaml", self.config)

    def infer(
        self,
        source: Path | None = None,
        *,
        class_order: ClassOrder = "config",
        fields: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> InferenceResult:
        request = InferenceRequest(
            cfg_path=str(self.folder / "model.yaml"),
            weight_path=str(self.folder / "weights.pth"),
            source_path=str(source or self.source),
            class_order=class_order,
            **(fields or {}),
        )
        return infer(request, save_path=self.out, **({"report": self.events.append} | options))

    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.out / "predictions.json").read_text(encoding="utf-8"))
        return content

    def recordings(self) -> list[dict[str, Any]]:
        content: dict[str, Any] = json.loads((self.out / "recordings.json").read_text(encoding="utf-8"))
        return list(content["recordings"])

    def csv(self) -> list[dict[str, str]]:
        with (self.out / "predictions.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def messages(self, level: str = "INFO") -> list[str]:
        return [event.message for event in self.events if event.message and event.level == level]


def busy(windows: float, *, frequency_hz: float = 1e5, rate_hz: float = RATE_HZ) -> Samples:
    """Samples of so many windows in which something is on the air."""
    count = round(windows * WINDOW * rate_hz / RATE_HZ)
    samples: Samples = 0.02 * noise(count) + 0.5 * tone(frequency_hz, rate_hz, count)
    return samples
