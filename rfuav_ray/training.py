"""Training a classifier: a request in, a folder of results out. Needs no Ray: a notebook can call it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rfuav_ray import architectures, metrics
from rfuav_ray.checkpoint import Checkpoint, load_checkpoint, rng_state, set_rng_state
from rfuav_ray.datasets import ImageDataset, batches
from rfuav_ray.errors import InvalidInput
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.files import remove_temporaries
from rfuav_ray.gpu_memory import explaining_lack_of_memory
from rfuav_ray.image_folders import check_dataset, fingerprint, labelled_images, stft_settings
from rfuav_ray.model_config import IMAGENET, ModelConfig, save_model_config
from rfuav_ray.models import build_model, load_pretrained, load_weights
from rfuav_ray.requests import TrainingRequest
from rfuav_ray.training_folder import TrainingFolder, now, versions
from rfuav_ray.training_loop import EpochReports, epoch_end, train_epoch, validate


@dataclass(kw_only=True)
class _Training:
    request: TrainingRequest
    report: Report
    device: torch.device
    seed: int
    run_id: str
    folder: TrainingFolder
    config: ModelConfig
    train_set: ImageDataset
    val_set: ImageDataset
    model: nn.Module
    optimizer: torch.optim.Optimizer
    #: what report.json says besides the figures
    facts: dict[str, Any]
    # Where it stands:
    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    started_at: str = field(default_factory=now)
    seconds: float = 0.0


def train(
    request: TrainingRequest,
    *,
    report: Report = ignore,
    device: str = "cpu",
    run_id: str = "",
    resume: bool = False,
    reported_epoch: int = 0,
    seed: int = 42,
    environment: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Train, validate after every epoch, and leave weights, figures and pictures in save_path[/name].

    `device` is a torch device and wins over the request's. With `resume` the run goes on after the last epoch
    in the folder's checkpoint if that has the same `run_id`; on the CPU with the same number of threads the
    result is that of an uninterrupted run, bit for bit. It first reports the ends of the epochs after
    `reported_epoch`: the run that made them may have died before they were heard. `environment` is written to
    report.json.
    Raises InvalidInput before anything is written; RunError; and whatever `report` raises.
    """
    torch_device = _device(device)
    advice = "Lower batch_size or image_size, or run fewer tasks on it at once."
    with explaining_lack_of_memory(advice), _random_numbers(seed, torch_device):
        training = _prepare(request, report, torch_device, run_id, seed, environment or {})
        if not (resume and _resume(training, reported_epoch)):
            _begin(training)
        try:
            while training.epoch < request.num_epochs:
                _run_epoch(training, training.epoch + 1)
        finally:
            if training.history:
                training.folder.draw(training.history, training.best, training.config.class_names)
    return _result(training)


def _prepare(
    request: TrainingRequest,
    report: Report,
    device: torch.device,
    run_id: str,
    seed: int,
    environment: dict[str, Any],
) -> _Training:
    train_path, val_path = Path(request.train_path), Path(request.val_path)
    class_names = check_dataset(train_path, val_path, request.num_classes)
    train_images = labelled_images(train_path, class_names)
    val_images = labelled_images(val_path, class_names)
    architectures.check_batch(request.model, min(request.batch_size, len(train_images)), request.image_size)
    model = build_model(request.model, request.num_classes, image_size=request.image_size)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    config = ModelConfig(
        model=request.model,
        num_classes=request.num_classes,
        class_names=tuple(class_names),
        image_size=request.image_size,
        normalization=IMAGENET,
        stft=stft_settings(train_path),
    )
    facts = {
        "request": request.model_dump(mode="json"),
        "data": {
            "train": {"images": len(train_images), "sha256": fingerprint(train_path, train_images)},
            "val": {"images": len(val_images), "sha256": fingerprint(val_path, val_images)},
        },
        "seed": seed,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "environment": environment,
    }
    return _Training(
        request=request,
        report=report,
        device=device,
        seed=seed,
        run_id=run_id,
        folder=TrainingFolder(request.save_path, request.name),
        config=config,
        train_set=ImageDataset(train_images, image_size=request.image_size),
        val_set=ImageDataset(val_images, image_size=request.image_size),
        model=model,
        optimizer=torch.optim.Adam(model.parameters(), lr=request.learning_rate, fused=device.type == "cuda"),
        facts=facts,
    )


def _begin(training: _Training) -> None:
    request, report = training.request, training.report
    message = (
        f"{request.model} on {training.device}: {len(training.train_set)} training and "
        f"{len(training.val_set)} validation images of {request.num_classes} classes."
    )
    report(RunEvent(message=message, progress=0.0))
    # Before the folder is cleared: the weights to start from may be an older result in it.
    if request.weight_path:
        new = load_weights(training.model, Path(request.weight_path), strict_head=False)
        fresh = f"; {', '.join(new)} start anew" if new else ""
        report(RunEvent(message=f"Starting from the weights in '{request.weight_path}'{fresh}."))
    elif request.pretrained:
        file = load_pretrained(training.model, request.model)
        report(RunEvent(message=f"Starting from the ImageNet weights in '{file}'."))
    training.folder.clear(report)
    save_model_config(training.folder.files["config"], training.config)


def _resume(training: _Training, reported_epoch: int) -> bool:
    """Go back to the state of the checkpoint; False when there is no usable one."""
    folder = training.folder
    checkpoint = load_checkpoint(
        folder.files["checkpoint"],
        run_id=training.run_id,
        config=training.config.model_dump(mode="json"),
        report=training.report,
    )
    if checkpoint is None:
        return False
    best_epoch = checkpoint.best["epoch"]
    if best_epoch != checkpoint.epoch and not folder.files["best_model"].exists():
        message = f"'{folder.files['best_model']}' of epoch {best_epoch} is gone: training begins anew."
        training.report(RunEvent(message=message, level="WARNING"))
        return False
    training.model.load_state_dict(checkpoint.model)
    training.optimizer.load_state_dict(checkpoint.optimizer)
    set_rng_state(checkpoint.rng, training.device)
    training.epoch, training.history = checkpoint.epoch, checkpoint.history
    training.best, training.seconds = checkpoint.best, checkpoint.seconds
    training.started_at = checkpoint.started_at
    remove_temporaries(folder.path)
    save_model_config(folder.files["config"], training.config)
    folder.publish(checkpoint, training.facts)
    for row in checkpoint.history[reported_epoch:]:
        training.report(epoch_end(row))
    message = f"Going on after epoch {checkpoint.epoch}/{training.request.num_epochs} (checkpoint)."
    training.report(RunEvent(message=message, epoch=checkpoint.epoch))
    return True


def _run_epoch(training: _Training, epoch: int) -> None:
    request, train_set, val_set = training.request, training.train_set, training.val_set
    images = len(train_set) + len(val_set)
    reports = EpochReports(training.report, epoch, request.num_epochs, images)
    started_s = time.perf_counter()
    reports.tell("epoch_start", f"started, learning rate {request.learning_rate:g}.")
    order = batches(len(train_set), request.batch_size, shuffle=request.shuffle, seed=training.seed, epoch=epoch)
    train_loss, train_acc = train_epoch(training.model, training.optimizer, train_set, order, reports)
    order = batches(len(val_set), request.batch_size, shuffle=False, seed=0, epoch=epoch)
    probabilities, labels, val_loss = validate(training.model, val_set, order, reports)
    figures = metrics.evaluate(probabilities, labels, val_loss)
    seconds = time.perf_counter() - started_s
    row = {
        "epoch": epoch,
        "total_epochs": request.num_epochs,
        "train_loss": train_loss,
        "train_acc": train_acc,
        **figures,
        "learning_rate": request.learning_rate,
        "best_acc": max([figures["val_acc"], *(past["val_acc"] for past in training.history)]),
        "images_per_second": images / seconds,
    }
    if _is_better(row, training.best):
        training.best = {
            "epoch": epoch,
            "metrics": row,
            "per_class": metrics.per_class(probabilities, labels, training.config.class_names),
            "confusion_matrix": metrics.confusion_matrix(probabilities, labels).tolist(),
        }
    training.epoch = epoch
    training.history.append(row)
    training.seconds += seconds
    training.folder.save(_checkpoint(training), training.facts)
    training.report(epoch_end(row))


def _is_better(row: dict[str, Any], best: dict[str, Any]) -> bool:
    if not best:
        return True
    old = best["metrics"]
    return bool((row["val_acc"], -row["val_loss"]) > (old["val_acc"], -old["val_loss"]))


def _checkpoint(training: _Training) -> Checkpoint:
    return Checkpoint(
        run_id=training.run_id,
        config=training.config.model_dump(mode="json"),
        epoch=training.epoch,
        model={name: tensor.cpu() for name, tensor in training.model.state_dict().items()},
        optimizer=training.optimizer.state_dict(),
        rng=rng_state(training.device),
        history=training.history,
        best=training.best,
        started_at=training.started_at,
        seconds=training.seconds,
    )


def _result(training: _Training) -> dict[str, Any]:
    images = training.epoch * (len(training.train_set) + len(training.val_set))
    return {
        "save_path": str(training.folder.path),
        "epochs": training.epoch,
        "best_epoch": training.best["epoch"],
        "best_acc": training.best["metrics"]["val_acc"],
        "metrics": training.history[-1],
        "images_per_second": images / training.seconds,
        "files": {key: str(file) for key, file in training.folder.files.items()},
    }


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InvalidInput("device", f"'{name}' is no device of PyTorch; use cpu, cuda or cuda:N.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidInput("device", f"'{name}' is not there: {torch.cuda.device_count()} GPUs are visible.")
    return device


@contextmanager
def _random_numbers(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators for this training, and give the caller's back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
