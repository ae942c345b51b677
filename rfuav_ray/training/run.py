"""Trains a classifier from a request and writes a results folder. Does not need Ray: a notebook can call it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import torch
from torch import nn

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.api.results import TrainingFacts, TrainingFiles, TrainingResult
from rfuav_ray.audit.verdict import told
from rfuav_ray.errors import InvalidInput, RunCancelled, RunInterrupted, WorkerMissed
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.images.class_folders import fingerprint
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.machine.gpu_memory import explaining_out_of_memory
from rfuav_ray.models import architectures
from rfuav_ray.models.build import build_model, load_pretrained, load_weights
from rfuav_ray.models.config import ModelConfig, save_model_config
from rfuav_ray.models.precision import name_of, resolve
from rfuav_ray.objects.shown import shown
from rfuav_ray.outputs.ownership import current_path
from rfuav_ray.training.data import decoding_threads
from rfuav_ray.training.datasets import Datasets, read_datasets
from rfuav_ray.training.epoch import run_epoch
from rfuav_ray.training.epoch_writer import EpochWriter
from rfuav_ray.training.folder import TrainingFolder, versions
from rfuav_ray.training.resume import resume as resume_training
from rfuav_ray.training.state import Training
from rfuav_ray.training.workers.connection import is_broken, join, leave
from rfuav_ray.training.workers.group import ALONE, Group, has_batch_norm, synchronized
from rfuav_ray.training.workers.seats import Seat


@confined
def train(
    request: TrainingRequest,
    *,
    report: Report = ignore,
    device: str = "cpu",
    run_id: str = "",
    resume: bool = False,
    reported_epoch: int = 0,
    seed: int = 42,
    environment: Mapping[str, object] | None = None,
    roots: Sequence[Path] = (),
    seat: Seat | None = None,
) -> TrainingResult:
    """Train, validate after every epoch, and write weights, metrics and plots to save_path[/name].

    Args:
        request: What to train.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the training.
        device: A torch device. It overrides the request's.
        run_id: Written to the checkpoints.
        resume: Whether to resume from the folder's checkpoints if they have the same `run_id`. After
            RunInterrupted, and after a kill, this is possible within an epoch, too. On the CPU, with the same
            number of threads, the result equals that of an uninterrupted run bit for bit.
        reported_epoch: The last epoch whose end is already in the log. A resumed training reports the later ones
            first, because the earlier run may have died before it reported them.
        seed: Seeds the initial weights, dropout and the order of the images.
        environment: Written to report.json.
        roots: The run opens files below these folders only, wherever links lead. None: anywhere.
        seat: The first place of a group of workers. The others call `workers.member.take_part`, and end with this
            one. None: this is the only worker.

    Returns:
        The result of the task: folder, files, best epoch and the metrics of the last one.

    Raises:
        InvalidInput: The request cannot be used. No result has been written.
        TaskConflict: The folder holds results, and `on_existing` is `refuse`.
        RunError: The training failed.
        WorkerMissed: Another worker of the group has ended.
        OSError: A file cannot be read or written.
        Exception: Whatever `report` raises.
    """
    torch_device = torch_device_of(device)
    advice = "Lower batch_size or image_size, or run fewer tasks on it at once."
    with (
        explaining_out_of_memory(advice),
        random_numbers(seed, torch_device),
        EpochWriter(report) as writer,
    ):
        results = Path(request.save_path, request.name or "")
        datasets = read_datasets(request, results, writer, threads=decoding_threads(), roots=roots)
        dtype = resolve(request.precision, torch_device, writer)
        group = ALONE if seat is None else join(seat, torch_device, name_of(dtype), digest(request, datasets))
        training = _prepare(request, datasets, writer, torch_device, dtype, run_id, seed, environment or {}, group)
        training.reported_epoch = reported_epoch if resume else 0
        if group.size > 1:
            _tell_group(training)
        if not (resume and resume_training(training)):
            _begin(training, datasets)
        _run_epochs(training, writer)
        _draw(training)
    return _result(training, datasets)


def _run_epochs(training: Training, writer: EpochWriter) -> None:
    """Run the epochs that are left, together with the other workers."""
    is_over = False
    try:
        training.begin_together()
        while training.epoch < training.request.num_epochs:
            run_epoch(training)
        is_over = True
        writer.settle()
    except RunInterrupted:
        raise
    except Exception as error:
        if is_broken(training.group, error):  # what is on disk is for the next run
            raise WorkerMissed(f"Another worker of the training ended: {error}") from error
        _give_up(training)
        raise
    finally:
        leave(training.group, is_over=is_over)


def digest(request: TrainingRequest, datasets: Datasets) -> str:
    """Tells whether workers see the same images."""
    parts = ((request.train_path, datasets.train), (request.val_path, datasets.val))
    return " ".join(fingerprint(Path(path), images.images) for path, images in parts)


def _give_up(training: Training) -> None:
    """Keep the finished epochs of a failed training.

    No error in here may hide the error that ended the training. A full disk, for example, causes both.
    """
    with suppress(Exception):
        _end_writing(training)
    with suppress(Exception):
        training.folder.drop_epoch_checkpoint()
        _draw(training)


def _end_writing(training: Training) -> None:
    try:
        training.report.settle()
    except (RunCancelled, RunInterrupted):
        pass  # the training is ending anyway
    except Exception as error:
        message = f"The previous epoch could not be written either: {error}"
        training.report(RunEvent(message=message, level="WARNING"))


def _draw(training: Training) -> None:
    """Draw the plots of the epochs that the other files describe."""
    if training.kept is not None:
        training.folder.draw(*training.kept, training.config.class_names)


def _prepare(
    request: TrainingRequest,
    datasets: Datasets,
    report: EpochWriter,
    device: torch.device,
    dtype: torch.dtype,
    run_id: str,
    seed: int,
    environment: Mapping[str, object],
    group: Group,
) -> Training:
    train_images, val_images = datasets.train.images, datasets.val.images
    architectures.check_batch(request.model, min(request.batch_size, len(train_images)), request.image_size)
    model = new_model(request, device, group)
    config = ModelConfig(
        model=request.model,
        num_classes=request.num_classes,
        class_names=tuple(datasets.class_names),
        image_size=request.image_size,
        normalization=IMAGENET,
        stft=datasets.card.stft if datasets.card else None,
        trained_by="rfuav-ray",
    )
    facts: TrainingFacts = {
        "request": shown(request.model_dump(mode="json")),
        "data": {
            "train": {"images": len(train_images), "sha256": fingerprint(Path(request.train_path), train_images)},
            "val": {"images": len(val_images), "sha256": fingerprint(Path(request.val_path), val_images)},
        },
        "leakage": datasets.leakage,
        "seed": seed,
        "device": str(device),
        "precision": name_of(dtype),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "environment": dict(environment),
    }
    return Training(
        request=request,
        report=report,
        device=device,
        seed=seed,
        run_id=run_id,
        folder=TrainingFolder(request.save_path, request.name),
        config=config,
        train_set=datasets.train,
        val_set=datasets.val,
        model=model,
        optimizer=new_optimizer(request, model),
        dtype=dtype,
        facts=facts,
        group=group,
    )


def new_model(request: TrainingRequest, device: torch.device, group: Group) -> nn.Module:
    model = build_model(request.model, request.num_classes, image_size=request.image_size)
    return synchronized(model, group, device).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def new_optimizer(request: TrainingRequest, model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=request.learning_rate, fused=True)


def _begin(training: Training, datasets: Datasets) -> None:
    request, report = training.request, training.report
    message = (
        f"{request.model} on {training.device} in {name_of(training.dtype)}: {len(training.train_set)} training "
        f"and {len(training.val_set)} validation images of {request.num_classes} classes."
    )
    report(RunEvent(message=message, progress=0.0))
    if request.num_workers != training.group.size:
        message = f"num_workers is {request.num_workers}, but without a service one worker trains."
        report(RunEvent(message=message, level="WARNING"))
    report(told(datasets.leakage, "Train and val"))
    # The weights are loaded before the folder is cleared, because they may be an older result in it.
    if request.weight_path:
        weight_path = current_path(Path(request.weight_path), "training")
        new = load_weights(training.model, weight_path, strict_head=False, report=report)
        fresh = f"; newly initialized: {', '.join(new)}" if new else ""
        report(RunEvent(message=f"Starting from the weights in '{weight_path}'{fresh}."))
    elif request.pretrained:
        file = load_pretrained(training.model, request.model, report)
        report(RunEvent(message=f"Starting from the ImageNet weights in '{file}'."))
    training.folder.clear(training.run_id, report, request.on_existing)
    save_model_config(training.folder.files["config"], training.config)


def _tell_group(training: Training) -> None:
    size, each = training.group.size, training.request.batch_size / training.group.size
    others = ", ".join(f"process {member.process} on {member.node}" for member in training.group.members[1:])
    message = f"{size} workers train together, with {others}. Each computes {each:g} images of a batch."
    training.report(RunEvent(message=message))
    if training.device.type != "cuda" and has_batch_norm(training.model):
        message = (
            f"Batch norm sees only a worker's own images on the CPU: {training.request.model} learns as with "
            f"batches of {each:g} images. One worker, or a model without batch norm (vit_*, swin_*), has no such "
            "difference."
        )
        training.report(RunEvent(message=message, level="WARNING"))


def _result(training: Training, datasets: Datasets) -> TrainingResult:
    images = training.epoch * (len(training.train_set) + len(training.val_set))
    return {
        "save_path": str(training.folder.path),
        "epochs": training.epoch,
        "best_epoch": training.best_so_far["epoch"],
        "best_acc": training.best_so_far["metrics"]["val_acc"],
        "metrics": training.history[-1],
        "images_per_second": images / training.seconds,
        "files": cast("TrainingFiles", {key: str(file) for key, file in training.folder.files.items()}),
        "left_out": datasets.left_out,
        "unreadable": datasets.unreadable,
        "unreadable_files": datasets.unreadable_files,
    }


def torch_device_of(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InvalidInput("device", f"'{name}' is not a device of PyTorch; use cpu, cuda or cuda:N.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidInput("device", f"'{name}' does not exist: {torch.cuda.device_count()} GPUs are visible.")
    return device


@contextmanager
def random_numbers(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators for this training, and restore the caller's state afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
