"""`checkpoint.pt` and `checkpoint_epoch.pt`: what a training needs to go on, after an epoch or within one."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.files import replacing


@dataclass(frozen=True, kw_only=True)
class PartOfEpoch:
    """How much of the epoch after the last finished one is done. Its model and optimizer are the checkpoint's."""

    #: of the training pass; the validation is done again
    batches: int
    #: what the pass's figures are computed from, see `passes.Sums`
    sums: torch.Tensor
    images: int
    seconds: float
    #: which images make up its batches
    order: str


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Only what `torch.load(weights_only=True)` reads: tensors, numbers, text, lists and dicts of them."""

    run_id: str
    #: what the weights belong to, a dumped `ModelConfig`
    config: dict[str, Any]
    #: the last finished one, 1-based
    epoch: int
    model: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    rng: dict[str, torch.Tensor]
    #: a `latest_metrics` object for each finished epoch
    history: list[dict[str, Any]]
    #: epoch, metrics, per_class and confusion_matrix of the best epoch
    best: dict[str, Any]
    started_at: str
    seconds: float
    part: PartOfEpoch | None = None


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    part = checkpoint.part and vars(checkpoint.part)
    save_tensors(path, vars(checkpoint) | {"part": part})


def load_checkpoint(
    path: Path, *, run_id: str, config: Mapping[str, Any], report: Report, otherwise: str = "training begins anew"
) -> Checkpoint | None:
    """The checkpoint of this run and model; None, with a WARNING unless there is none or it is another run's.

    The WARNING says what happens `otherwise`.
    """
    if not path.exists():
        return None
    try:
        checkpoint = _checkpoint(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a torn file makes torch raise nearly anything
        reason = " ".join(str(error).split())[:200]
        _warn(report, f"The checkpoint '{path}' cannot be read, so {otherwise}: {reason}")
        return None
    if checkpoint.run_id != run_id:
        return None
    if checkpoint.config != config:
        _warn(report, f"The checkpoint '{path}' is of another model or of other classes, so {otherwise}.")
        return None
    return checkpoint


def _checkpoint(content: Mapping[str, Any]) -> Checkpoint:
    part = content.get("part")
    return Checkpoint(**{**content, "part": part and PartOfEpoch(**part)})


def save_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """`torch.save`, whole or not at all. Raises RunError when the disk is full."""
    try:
        with replacing(path) as temporary:
            torch.save(content, temporary)
    except RuntimeError as error:
        # torch's own writer says nothing of the disk.
        free_mb = shutil.disk_usage(path.parent).free // 2**20
        reason = f"the disk is full, or a quota is used up ({free_mb} MB are free)"
        raise RunError(f"'{path}' cannot be written, {reason}: make room there.") from error


def rng_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of the random numbers that dropout uses on `device`."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_rng_state(state: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Set what `rng_state` gave; a run that went over to a GPU starts that one's numbers afresh."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def _warn(report: Report, message: str) -> None:
    report(RunEvent(message=message, level="WARNING"))
