"""The files that a task leaves behind, as who asks for them may name them. Loads no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rfuav_ray.images.class_folders import DATASET_FILE

#: of an inference
CSV_NAME, JSON_NAME = "predictions.csv", "predictions.json"
#: of a training, by what they are in its result
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
#: of a training: the state within the epoch that is running; gone when it has ended
EPOCH_CHECKPOINT = "checkpoint_epoch.pt"
#: what a task of a kind writes into a folder that others may have used before it
RESULT_FILES = {
    "training": (*TRAINING_FILES.values(), EPOCH_CHECKPOINT),
    "inference": (CSV_NAME, JSON_NAME),
}


def artifact_names(kind: str) -> tuple[str, ...]:
    """Those of them that clients may have."""
    return tuple(name for name in RESULT_FILES.get(kind, (DATASET_FILE,)) if name != EPOCH_CHECKPOINT)


def output_folder(kind: str, request: Mapping[str, Any]) -> Path:
    """Where a task's request has it write."""
    if kind in RESULT_FILES:
        folder = Path(request["save_path"])
        return folder / request["name"] if request.get("name") else folder
    return Path(request["output_path"])
