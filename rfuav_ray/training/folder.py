"""The results folder of a training. After every epoch all its files describe the same epoch."""

import csv
import importlib.metadata
import io
import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
import torchvision

from rfuav_ray.api.requests.fields import OnExisting
from rfuav_ray.api.results import BestEpoch, EpochMetrics, TrainingFacts, TrainingReport
from rfuav_ray.errors import InvalidInput
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.file_access.folders import make_folder, remove_file
from rfuav_ray.files import remove_temporaries, write_text
from rfuav_ray.outputs.artifacts import EPOCH_CHECKPOINT, TRAINING_FILES
from rfuav_ray.outputs.ownership import claim_without_task
from rfuav_ray.training.checkpoint import Checkpoint, save_checkpoint, save_tensors
from rfuav_ray.training.plots import plot_confusion_matrix, plot_curves


class TrainingFolder:
    """The results folder, created if missing. Raises InvalidInput("save_path") if it cannot be created."""

    def __init__(self, save_path: str, name: str | None) -> None:
        self.path = Path(save_path, name) if name else Path(save_path)
        try:
            make_folder(self.path)
        except OSError as error:
            raise InvalidInput("save_path", f"'{self.path}' cannot be created: {error.strerror}.") from error
        self.files = {key: self.path / file_name for key, file_name in TRAINING_FILES.items()}
        self.epoch_checkpoint = self.path / EPOCH_CHECKPOINT

    def clear(self, run_id: str, report: Report, on_existing: OnExisting = "keep") -> None:
        """Remove the files of an older training, so that they are not mistaken for new ones.

        What happens to results of another task is for `on_existing` to say; see `claim_without_task`.
        """
        remove_temporaries(self.path)
        claim_without_task(self.path, "training", run_id, report, on_existing)
        self.drop_epoch_checkpoint()
        old = [file for file in self.files.values() if os.path.lexists(file)]
        if old:
            names = ", ".join(file.name for file in old)
            message = f"'{self.path}' holds results of an older training. They are replaced: {names}."
            report(RunEvent(message=message, level="WARNING"))
        for file in old:
            remove_file(file)

    def save(self, checkpoint: Checkpoint, facts: TrainingFacts) -> None:
        """Write the checkpoint, then the files derived from it. After a kill in between, `resume` repairs them."""
        save_checkpoint(self.files["checkpoint"], checkpoint)
        self.drop_epoch_checkpoint()
        self.publish(checkpoint, facts)

    def drop_epoch_checkpoint(self) -> None:
        remove_file(self.epoch_checkpoint)

    def publish(self, checkpoint: Checkpoint, facts: TrainingFacts) -> None:
        if checkpoint.best is not None and checkpoint.best["epoch"] == checkpoint.epoch:
            save_tensors(self.files["best_model"], checkpoint.model)
        save_tensors(self.files["last_model"], checkpoint.model)
        write_text(self.files["metrics"], _csv(checkpoint.history))
        write_text(self.files["report"], _report(checkpoint, facts))

    def draw(self, history: Sequence[EpochMetrics], best: BestEpoch, class_names: Sequence[str]) -> None:
        plot_curves(self.files["curves"], history)
        plot_confusion_matrix(
            self.files["confusion_matrix"],
            np.array(best["confusion_matrix"]),
            class_names,
            title=f"Validation, epoch {best['epoch']}",
        )


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        **{name: _version(name) for name in ("numpy", "scikit-learn", "rfuav-ray")},
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:  # run from a source folder
        return "not installed"


def _csv(history: Sequence[EpochMetrics]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()


def _report(checkpoint: Checkpoint, facts: TrainingFacts) -> str:
    content: TrainingReport = {
        **facts,
        "started_at": checkpoint.started_at,
        "written_at": now(),
        "training_seconds": checkpoint.seconds,
        "epochs": checkpoint.epoch,
        "best": checkpoint.best,
        "last": checkpoint.history[-1],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
