"""Training and inference of a resnet18 on 640×640 JPEGs, in this process, without the service."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from rfuav_ray.inference import infer
from rfuav_ray.requests import InferenceRequest, TrainingRequest
from rfuav_ray.training import train

RUNS = 3
CLASSES = 2
IMAGES_A_CLASS = {"train": 32, "val": 16}


def measure() -> dict[str, list[float]]:
    training, inference = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_images(folder)
        for _ in range(RUNS):
            result = train(
                TrainingRequest(
                    model="resnet18",
                    num_classes=CLASSES,
                    train_path=str(folder / "train"),
                    val_path=str(folder / "val"),
                    save_path=str(folder / "run"),
                    batch_size=16,
                    num_epochs=1,
                    pretrained=False,
                )
            )
            training.append(result["images_per_second"])
            request = InferenceRequest(
                cfg_path=result["files"]["config"],
                weight_path=result["files"]["best_model"],
                source_path=str(folder / "train"),
            )
            inference.append(infer(request, save_path=folder / "predictions")["images_per_second"])
    return {
        "train resnet18, batch 16, 224 px, with validation: images/s": training,
        "infer resnet18, 224 px: images/s": inference,
    }


def _make_images(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for part, count in IMAGES_A_CLASS.items():
        for label in range(CLASSES):
            path = folder / part / f"class-{label}"
            path.mkdir(parents=True)
            for index in range(count):
                # Smooth noise: as hard to decode as a spectrogram, unlike pixel noise.
                coarse = rng.integers(0, 255, (80, 80, 3), np.uint8)
                cv2.imwrite(str(path / f"{index}.jpg"), cv2.resize(coarse, (640, 640)))
