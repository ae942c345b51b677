"""Small trainings on pictures that are made here, and what their tests look at."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.errors import RunCancelled, RunInterrupted
from rfuav_ray.events import RunEvent
from rfuav_ray.training.run import train
from tests.support.metric_names import WEIGHTS

CLASSES = ("drone", "noise", "无人机")


def make_images(folder: Path, classes: tuple[str, ...], images: int) -> None:
    """Noise around a level of grey that is the class's own. Two images make a recording."""
    numbers = np.random.default_rng(images)
    for level, name in enumerate(classes, start=1):
        (folder / name).mkdir(parents=True)
        for index in range(images):
            picture = numbers.normal(80 * level - 40, 20, (40, 30, 3)).clip(0, 255).astype(np.uint8)
            cv2.imencode(".png", picture)[1].tofile(folder / name / f"{folder.name}{index // 2}_{index % 2}.png")


def request(data: Path, save_path: Path, **changes: Any) -> TrainingRequest:
    values: dict[str, Any] = {
        "model": "mobilenet_v3_small",
        "num_classes": 3,
        "train_path": str(data / "train"),
        "val_path": str(data / "val"),
        "save_path": str(save_path),
        "batch_size": 4,
        "num_epochs": 1,
        "learning_rate": 0.001,
        "image_size": 32,
        "pretrained": False,
    }
    return TrainingRequest(**(values | changes))


def stop_when(condition: Callable[[RunEvent], bool]) -> Callable[[RunEvent], None]:
    def report(event: RunEvent) -> None:
        if condition(event):
            raise RunCancelled

    return report


def stop_in_epoch(epoch: int) -> Callable[[RunEvent], None]:
    """Stop after the second batch of the epoch."""
    seen: list[RunEvent] = []

    def is_second(event: RunEvent) -> bool:
        seen.extend([event] if event.stage == "training" and event.epoch == epoch else [])
        return len(seen) == 2

    return stop_when(is_second)


def warnings_of(events: list[RunEvent]) -> list[str]:
    return [event.message for event in events if event.level == "WARNING"]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def assert_same_results(folder: Path, expected: Path) -> None:
    for name in WEIGHTS:
        ours, theirs = (torch.load(path / name, weights_only=True) for path in (folder, expected))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name
    for ours, theirs in zip(rows(folder), rows(expected), strict=True):
        assert {**ours, "images_per_second": ""} == {**theirs, "images_per_second": ""}
    ours, theirs = (json.loads((path / "report.json").read_text()) for path in (folder, expected))
    assert ours["best"]["confusion_matrix"] == theirs["best"]["confusion_matrix"]


class Run:
    """A whole training that several tests look at."""

    def __init__(self, data: Path, folder: Path, **changes: Any) -> None:
        self.events: list[RunEvent] = []
        self.folder = folder
        self.request = request(data, folder, **changes)
        self.result = train(self.request, report=self.events.append, run_id="run", environment={"node": "n1"})


class Interruption:
    """A report that raises RunInterrupted at an event and at all later ones, and keeps those before."""

    def __init__(self, epoch: int, stage: str, number: int = 1) -> None:
        self.events: list[RunEvent] = []
        self._wanted = (epoch, stage)
        self._left = number
        self.calls_after = -1

    def __call__(self, event: RunEvent) -> None:
        # Messages have the stage too; each batch has one event.
        self._left -= (event.epoch, event.stage) == self._wanted
        if self._left <= 0:
            self.calls_after += 1
            raise RunInterrupted
        self.events.append(event)
