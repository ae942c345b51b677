"""The tasks of a round, long ones and twenty that wait for them, and what each must leave behind."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.models.build import build_model
from rfuav_ray.models.config import ModelConfig, save_model_config
from rfuav_ray.outputs.artifacts import CSV_NAME, JSON_NAME, JSONL_NAME, RECORDINGS_JSONL
from rfuav_ray.outputs.manifest import RUN_FOLDER
from rfuav_ray.signals.writers import write_sigmf
from tests.support.extent import AUGMENTS, INFERENCES, IS_SHORT, TRAININGS, WAITING_JOBS
from tests.support.images import CLASSES, write_image
from tests.support.task_queries import client

MODEL = "mobilenet_v3_small"
#: of a long job
EPOCHS, CLASSIFIED, AUGMENTED = (4, 2000, 250) if IS_SHORT else (8, 4000, 500)
SMALL_EPOCHS, SMALL = 1, 40
RATE_HZ, WINDOWS = 1e6, 40
STYLE, DURATION_S = "rfuav", 0.01
DIFFERENT_IMAGES = 20
#: the kinds of those that wait
WAITING = ("training", "inference", "crop", "inference of recordings", "training", "split", "inference") * 3


@dataclass(frozen=True)
class Job:
    #: jobs of one sort do the same, so they have one outcome
    sort: str
    route: str
    request: dict[str, Any]
    output: Path

    @property
    def epochs(self) -> int:
        return int(self.request.get("num_epochs", 0))


class World:
    """The input files, and the jobs that work on them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        rng = np.random.default_rng(3)
        for part, count in (("train", 60), ("val", 20)):
            for name in CLASSES:
                for index in range(count):
                    write_image(root / "dataset" / part / name / f"{index}.png", name, rng)
        make_photos(root / "many", CLASSIFIED)
        make_photos(root / "augmented" / "train" / "drone", AUGMENTED)
        make_photos(root / "few" / "a", SMALL)
        make_photos(root / "few" / "b", SMALL)
        _make_recording(root / "heard" / "recording.sigmf-meta")
        _make_weights(root / "model")

    def long_jobs(self, output: Path) -> list[Job]:
        """What has all slots: as one ends the next one starts. Nobody minds when the last ones are cancelled."""
        folder = output / "long"
        return [
            *(self._training("long training", folder / f"training-{one}", EPOCHS) for one in range(TRAININGS)),
            *(self._inference("long inference", folder / f"inference-{one}", "many") for one in range(INFERENCES)),
            *(self._augment("long augment", folder / f"augment-{one}") for one in range(AUGMENTS)),
        ]

    def waiting_jobs(self, output: Path) -> list[Job]:
        return [
            self.small_job(sort, output / f"{number:02}-{sort}")
            for number, sort in enumerate(WAITING[:WAITING_JOBS])
        ]

    def small_job(self, sort: str, output: Path) -> Job:
        if sort == "training":
            return self._training(sort, output, SMALL_EPOCHS)
        if sort == "inference":
            return self._inference(sort, output, "few")
        if sort == "inference of recordings":
            job = self._inference(sort, output, "heard")
            return replace(
                job, request=job.request | {"style": STYLE, "stft_points": 256, "duration_s": DURATION_S}
            )
        request: dict[str, Any] = {"input_path": str(self.root / "few"), "output_path": str(output)}
        if sort == "crop":
            request |= {"x": 10, "y": 10, "width": 100, "height": 50}
        return Job(sort, f"preprocessing/{sort}", request, output)

    def _augment(self, sort: str, output: Path) -> Job:
        request = {
            "dataset_path": str(self.root / "augmented"),
            "output_path": str(output),
            "methods": ["AdvancedBlur", "ISONoise", "GaussNoise"],
        }
        return Job(sort, "preprocessing/augment", request, output)

    def _training(self, sort: str, output: Path, epochs: int) -> Job:
        request = {
            "model": MODEL,
            "num_classes": len(CLASSES),
            "train_path": str(self.root / "dataset" / "train"),
            "val_path": str(self.root / "dataset" / "val"),
            "save_path": str(output),
            "num_epochs": epochs,
            "batch_size": 8,
            "learning_rate": 0.0005,
            "image_size": 32,
            "device": "cpu",
            "pretrained": False,
            "priority": 1 if sort.startswith("long") else 9,
        }
        return Job(sort, "training/start", request, output)

    def _inference(self, sort: str, output: Path, source: str) -> Job:
        return Job(sort, "inference/start", self.inference_request(source, output, sort), output)

    def inference_request(self, source: str, output: Path, sort: str = "") -> dict[str, Any]:
        return {
            "cfg_path": str(self.root / "model" / "model.yaml"),
            "weight_path": str(self.root / "model" / "best_model.pth"),
            "source_path": str(self.root / source),
            "save_path": str(output),
            "device": "cpu",
            "priority": 1 if sort.startswith("long") else 9,
        }


def submit(url: str, jobs: Sequence[Job]) -> dict[str, Job]:
    """The jobs by the id of their task."""
    by_id = {}
    for job in jobs:
        answer = client.post(f"{url}/api/v2/{job.route}", json=job.request)
        assert answer.status_code == 200, answer.text
        by_id[answer.json()["task_id"]] = job
    return by_id


def outcome(job: Job, task: dict[str, Any]) -> dict[str, Any]:
    """What must be the same, whatever died on the way."""
    if "training" in job.sort:
        metrics = {name: value for name, value in task["latest_metrics"].items() if name != "images_per_second"}
        weights = torch.load(job.output / "best_model.pth", weights_only=True)
        return {
            "metrics": metrics,
            "weights": _hash(b"".join(weights[name].numpy().tobytes() for name in weights)),
        }
    if "inference" in job.sort:
        hashes = {name: _hash((job.output / name).read_bytes()) for name in (CSV_NAME, JSON_NAME, JSONL_NAME)}
        return hashes | ({"recordings": _recordings(job.output)} if "recordings" in job.sort else {})
    files = sorted(file for file in job.output.rglob("*") if file.is_file() and RUN_FOLDER not in file.parts)
    hashes = {str(file.relative_to(job.output)): _hash(file.read_bytes()) for file in files}
    return {"stats": task["result"]["stats"], **hashes}


def _recordings(output: Path) -> list[dict[str, Any]]:
    """The rows of recordings.jsonl, but for the time that the run took."""
    rows = [json.loads(line) for line in (output / RECORDINGS_JSONL).read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "real_time_factor"} for row in rows]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_photos(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    photo = cv2.resize(coarse, (320, 320))
    for number in range(count):
        path = folder / f"{number:05}.jpg"
        if number < DIFFERENT_IMAGES:
            assert cv2.imwrite(str(path), np.roll(photo, 16 * number, axis=1))
        else:
            os.link(folder / f"{number % DIFFERENT_IMAGES:05}.jpg", path)


def _make_recording(path: Path) -> None:
    path.parent.mkdir()
    time_s = np.arange(round(WINDOWS * DURATION_S * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(0).normal(0, 0.1, (2, len(time_s)))
    tones = np.exp(2j * np.pi * 1e5 * time_s) * (np.sin(2 * np.pi * 5 * time_s) > 0)
    write_sigmf(
        path,
        (tones + noise[0] + 1j * noise[1]).astype(np.complex64),
        sample_rate_hz=RATE_HZ,
        center_frequency_hz=2.4e9,
    )


def _make_weights(folder: Path) -> None:
    folder.mkdir()
    torch.manual_seed(0)
    torch.save(build_model(MODEL, len(CLASSES), image_size=32).state_dict(), folder / "best_model.pth")
    config = ModelConfig(
        model=MODEL, num_classes=len(CLASSES), class_names=CLASSES, image_size=32, normalization=IMAGENET
    )
    save_model_config(folder / "model.yaml", config)
