"""Training in this process, without a service."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import torch
from rich.console import Console

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.api.results import TrainingResult
from rfuav_ray.cli.follow import LogView, open_view
from rfuav_ray.cli.printing import print_training, print_warnings
from rfuav_ray.errors import RunCancelled
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.machine.malloc_tuning import keep_freed_memory
from rfuav_ray.training.run import train


def train_and_print(request: TrainingRequest, console: Console, *, resume: bool) -> int:
    """Train, print the metrics, and return the exit status."""
    keep_freed_memory()
    try:
        result = train_locally(request, console, resume=resume)
    except RunCancelled:
        print("Stopped. Resume from the last checkpoint with `--local --resume`.", file=sys.stderr)
        return 130
    print_training(console, result["metrics"], result)
    print_warnings(console, result["warnings"])
    return 0


def train_locally(request: TrainingRequest, console: Console, *, resume: bool) -> TrainingResult:
    """Train and return the result with the number of warnings. Raises RunCancelled when ctrl-C stopped it."""
    with open_view(console, request.name or request.model) as view, _stopped_by_ctrl_c() as stop:
        device = _device(request.device, view)
        report = _reporting(view, stop, request.num_epochs)
        # A constant default, so that --resume recognizes the checkpoint of an earlier run as its own.
        run_id = request.task_id or "local"
        result = train(request, report=report, device=device, run_id=run_id, resume=resume)
        return {**result, "warnings": view.warnings}


def _reporting(view: LogView, stop: list[bool], total_epochs: int) -> Report:
    started = time.monotonic()
    task: dict[str, Any] = {"total_epochs": total_epochs}

    def report(event: RunEvent) -> None:
        if stop:
            raise RunCancelled
        if event.message:
            view.log(_entry(event))
        if event.stage == "epoch_end":
            task["latest_metrics"] = event.metrics
        if event.epoch is not None:
            task["current_epoch"] = event.epoch
        if event.progress:
            task["progress"] = event.progress
            task["eta_seconds"] = (time.monotonic() - started) * (100 - event.progress) / event.progress
        view.update(task)

    return report


def _entry(event: RunEvent) -> dict[str, Any]:
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "level": event.level,
        "message": event.message,
    }


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[list[bool]]:
    """Yield a list that the first ctrl-C makes non-empty, to stop after a batch. A second ctrl-C stops at once."""
    stop: list[bool] = []

    def ask(signal_number: int, frame: FrameType | None) -> None:
        stop.append(True)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _device(wanted: str, view: LogView) -> str:
    if wanted != "cuda":
        return wanted
    if torch.cuda.is_available():
        return "cuda:0"
    view.log(_entry(RunEvent(message="No GPU found: training on the CPU.", level="WARNING")))
    return "cpu"
