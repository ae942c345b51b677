"""Training in this process, without a service."""

import json
from pathlib import Path

from rich.console import Console

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.cli.local.devices import torch_device
from rfuav_ray.cli.local.work import LocalWork, refuse_buckets, run_id_of
from rfuav_ray.cli.printing import print_training
from rfuav_ray.machine.malloc_tuning import keep_freed_memory
from rfuav_ray.outputs.artifacts import EPOCH_CHECKPOINT, TRAINING_FILES
from rfuav_ray.training.run import train


def train_here(request: TrainingRequest, console: Console, *, resume: bool, may_use_gpus: bool = True) -> int:
    """Train, print the metrics, and return the exit status.

    Args:
        request: What to train, with absolute paths.
        console: Shows the log and the result.
        resume: Whether to go on where an earlier call of the same request was stopped. A training that has come to
            its end starts anew.
        may_use_gpus: Whether this process may use the GPUs that it sees.
    """
    refuse_buckets(request)
    keep_freed_memory()
    with LocalWork(console, request.name or request.model, request.num_epochs) as work:
        device = torch_device(request.device, work.report, may_use_gpus=may_use_gpus)
        goes_on = resume and not _is_finished(request)
        result = train(request, report=work.report, device=device, run_id=run_id_of(request), resume=goes_on)
    return work.ended(lambda: print_training(console, result["metrics"], result))


def _is_finished(request: TrainingRequest) -> bool:
    """Whether the training in the folder has come to its last epoch, and has drawn its plots after it."""
    folder = Path(request.save_path, request.name or "")
    if (folder / EPOCH_CHECKPOINT).exists() or not (folder / TRAINING_FILES["confusion_matrix"]).exists():
        return False
    try:
        epochs = json.loads((folder / TRAINING_FILES["report"]).read_text(encoding="utf-8"))["epochs"]
    except (OSError, ValueError, KeyError):
        return False
    return int(epochs) >= request.num_epochs
