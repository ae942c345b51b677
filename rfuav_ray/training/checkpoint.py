"""`checkpoint.pt` and `checkpoint_epoch.pt`, from which a training resumes after an epoch or within one."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from rfuav_ray.api.results import BestEpoch, EpochMetrics
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.file_access.limits import MAX_WEIGHTS_BYTES
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.files import replacing
from rfuav_ray.models.weights.archives import check_archive

_HISTORY: TypeAdapter[list[EpochMetrics]] = TypeAdapter(list[EpochMetrics])
_BEST: TypeAdapter[BestEpoch | None] = TypeAdapter(BestEpoch | None)

FROM_THE_BEGINNING = "the training starts from the beginning"


@dataclass(frozen=True, kw_only=True)
class EpochProgress:
    """Progress within the epoch after the last finished one. The checkpoint holds its model and optimizer."""

    #: finished batches of the training pass; a resumed run repeats the validation
    batches: int
    #: `passes.Sums.values`, from which the metrics of the pass are computed
    sums: torch.Tensor
    images: int
    seconds: float
    #: `Training.order_digest`: identifies the images in the batches
    order: str


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The saved state of a training.

    It holds only types that `torch.load(weights_only=True)` reads: tensors, numbers, text, lists and dicts.
    """

    run_id: str
    #: the `ModelConfig` of the weights, as JSON
    config: dict[str, Any]
    #: the last finished epoch, 1-based; 0 if there is none
    epoch: int
    model: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    rng: dict[str, torch.Tensor]
    #: a `latest_metrics` object for each finished epoch
    history: list[EpochMetrics]
    #: epoch, metrics, per_class and confusion_matrix of the best epoch; None before the first one
    best: BestEpoch | None
    started_at: str
    #: duration of the finished epochs
    seconds: float
    #: None in a checkpoint after an epoch
    part: EpochProgress | None = None


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    part = checkpoint.part and vars(checkpoint.part)
    save_tensors(path, vars(checkpoint) | {"part": part})


def load_checkpoint(
    path: Path,
    *,
    run_id: str,
    config: Mapping[str, Any],
    report: Report,
    otherwise: str = FROM_THE_BEGINNING,
) -> Checkpoint | None:
    """Load a checkpoint of this run and this model.

    Args:
        path: The checkpoint file.
        run_id: A checkpoint of another run is ignored with a WARNING.
        config: The dumped `ModelConfig`. A checkpoint of another config is ignored with a WARNING.
        report: Receives the WARNING.
        otherwise: What happens without the checkpoint, for the WARNING.

    Returns:
        The checkpoint. None if the file is missing, or (with a WARNING) is damaged or is ignored.
    """
    if not os.path.lexists(path):
        return None
    try:
        with open_file(path, largest_bytes=MAX_WEIGHTS_BYTES) as file:
            check_archive(file)
            checkpoint = _checkpoint(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises errors of many types for a damaged file
        reason = " ".join(str(error).split())[:200]
        _warn(report, f"The checkpoint '{path}' cannot be read, so {otherwise}: {reason}")
        return None
    if checkpoint.run_id != run_id:
        _warn(report, f"The checkpoint '{path}' was not written by this task, so {otherwise}.")
        return None
    if checkpoint.config != config:
        _warn(report, f"The checkpoint '{path}' belongs to another model or other classes, so {otherwise}.")
        return None
    return checkpoint


def _checkpoint(content: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint in a file, which lies where others may write. Raises an error of any type if it is none."""
    part = content.get("part")
    # An earlier version wrote {} where no epoch had finished.
    read = Checkpoint(**{**content, "part": part and EpochProgress(**part), "best": content["best"] or None})
    history = _HISTORY.validate_python(read.history, strict=True)
    best = _BEST.validate_python(read.best, strict=True)
    epochs = [row["epoch"] for row in history]
    # Compared with what is there: a range up to any number of epochs takes any time.
    if (
        read.epoch != len(epochs)
        or epochs != list(range(1, len(epochs) + 1))
        or (best is not None and best["epoch"] not in epochs)
    ):
        raise ValueError("its epochs are not those of a training")
    if not (isinstance(read.run_id, str) and isinstance(read.started_at, str) and 0 <= read.seconds < 1e12):
        raise ValueError("a value is of another type")
    return read


def save_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """`torch.save`, atomically and flushed to the disk. Raises RunError if the disk is full."""
    try:
        with replacing(path) as temporary:
            torch.save(content, temporary)
    except RuntimeError as error:
        # torch's error does not name the disk as the cause.
        free_mb = shutil.disk_usage(path.parent).free // 2**20
        reason = f"the disk is full, or a quota is reached ({free_mb} MB are free)"
        raise RunError(f"'{path}' cannot be written: {reason}. Free some space there.") from error


def rng_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of the random generators that dropout uses on `device`."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_rng_state(state: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Restore a state from `rng_state`. The GPU's generator keeps its new seed if the earlier run used the CPU."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def _warn(report: Report, message: str) -> None:
    report(RunEvent(message=message, level="WARNING"))
