"""Names and locations of the files that tasks write. Does not import torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rfuav_ray.images.class_folders import DATASET_FILE

#: the files of an inference
CSV_NAME, JSON_NAME = "predictions.csv", "predictions.json"
#: the files of a training, by their keys in its result
TRAINING_FILES = {
    "best_model": "best_model.pth",
    "last_model": "last_model.pth",
    "checkpoint": "checkpoint.pt",
    "config": "model.yaml",
    "metrics": "metrics.csv",
    "curves": "curves.png",
    "confusion_matrix": "confusion_matrix.png",
    "report": "report.json",
}
#: the state of a training in the middle of an epoch; deleted when the epoch ends
EPOCH_CHECKPOINT = "checkpoint_epoch.pt"
#: files by task kind; only kinds whose output folder may already hold results of other tasks
RESULT_FILES = {
    "training": (*TRAINING_FILES.values(), EPOCH_CHECKPOINT),
    "inference": (CSV_NAME, JSON_NAME),
}


def artifact_names(kind: str) -> tuple[str, ...]:
    """Return the file names that clients may download for this kind of task."""
    return tuple(name for name in RESULT_FILES.get(kind, (DATASET_FILE,)) if name != EPOCH_CHECKPOINT)


def output_folder(kind: str, request: Mapping[str, Any]) -> Path:
    """Return the folder that a task with this request writes to."""
    if kind in RESULT_FILES:
        folder = Path(request["save_path"])
        return folder / request["name"] if request.get("name") else folder
    return Path(request["output_path"])
