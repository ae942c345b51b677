"""The entries that the service itself writes into a task's log. LOG_FILE gets a copy of each."""

import logging
from collections.abc import Iterable
from typing import Any

from actors.devices.numbering import ANY_GPU, CPU
from actors.events.window import Entry, log_entry
from rfuav_ray.events import Level
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger(__name__)


def service_entry(task_id: str, message: str, level: Level = "INFO", **fields: Any) -> Entry:
    """A new entry of this task's log, also written to LOG_FILE."""
    logger.log(getattr(logging, level), "task %s: %s", task_id, message)
    return log_entry(message, level, **fields)


def starting_entries(task: TaskRecord, device: str) -> list[Entry]:
    """The entries of a run that starts on this device."""
    message = f"Starting on {device}."
    if task.workers:
        places = ", ".join(f"{place.device} of {place.node}" for place in task.workers)
        message = f"Starting on {device}: {len(task.workers)} workers, on {places}."
    entries = [service_entry(task.id, message)]
    if task.wanted_device == ANY_GPU and device == CPU:
        no_gpu = service_entry(task.id, "The cluster has no GPU: running on the CPU.", "WARNING")
        entries.insert(0, no_gpu)
    return entries


def last_entry(task: TaskRecord) -> Entry:
    """The entry that ends the log of an ended task."""
    level: Level = "ERROR" if task.status is TaskStatus.FAILED else "INFO"
    return service_entry(task.id, task.message, level, stage="completed", status=task.status.value)


def log_warnings(task_id: str, entries: Iterable[Entry]) -> None:
    """Copy the warnings and errors of a run to LOG_FILE, where an operator looks for them."""
    for entry in entries:
        if (level := entry.get("level")) in ("WARNING", "ERROR"):
            logger.log(getattr(logging, level), "task %s: %s", task_id, entry["message"])
