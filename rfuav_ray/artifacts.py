"""The files that a task leaves behind, as who asks for them may name them. Loads no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rfuav_ray.image_folders import DATASET_FILE
from rfuav_ray.predictions import CSV_NAME, JSON_NAME

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
_NAMES = {
    "training": tuple(TRAINING_FILES.values()),
    "inference": (CSV_NAME, JSON_NAME),
}


def artifact_folder(kind: str, request: Mapping[str, Any]) -> Path:
    """Where the files of a task are, or will be."""
    if kind in _NAMES:
        folder = Path(request["save_path"])
        return folder / request["name"] if request.get("name") else folder
    return Path(request["output_path"])


def artifacts(kind: str, request: Mapping[str, Any]) -> list[Path]:
    """Those files that are there."""
    folder = artifact_folder(kind, request)
    return [folder / name for name in _NAMES.get(kind, (DATASET_FILE,)) if (folder / name).is_file()]
