"""A task: what a client submitted, in which state it is, and the only way it changes state."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from rfuav_ray.api.requests import TaskKind
from rfuav_ray.errors import TaskConflict


class TaskStatus(StrEnum):
    #: waits for a slot on a device
    PENDING = "pending"
    #: a run of it is starting or at work
    RUNNING = "running"
    COMPLETED = "completed"
    #: `error` says why
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ended(self) -> bool:
        return not _NEXT[self]


_NEXT: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.RUNNING, TaskStatus.CANCELLED, TaskStatus.FAILED}),
    # Back to pending only when the run was lost and is tried again.
    TaskStatus.RUNNING: frozenset(
        {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.PENDING}
    ),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}


#: as the store and the API write them
LIVE_STATUSES = tuple(status.value for status in TaskStatus if not status.is_ended)
ENDED_STATUSES = tuple(status.value for status in TaskStatus if status.is_ended)


def now() -> datetime:
    return datetime.now(UTC)


class TaskRecord(BaseModel):
    """Everything known about a task. Immutable: a change makes a new record with a higher version."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: TaskKind
    #: the validated request with resolved paths, as JSON
    request: dict[str, Any]
    priority: int
    #: order of submission; breaks ties of priority
    number: int
    #: the device asked for: cpu, cuda or cuda:N
    wanted_device: str
    #: grows with every change of any task, so that a reader can ask for what is new
    version: int = 0
    status: TaskStatus = TaskStatus.PENDING
    message: str = "Waiting in the queue."
    description: str | None = None
    #: percent
    progress: float = 0.0
    #: the device of the current or last run
    device: str | None = None
    #: the part of it, 0..1, that the current run has in Ray's books
    device_share: float = 0.0
    #: how many runs were started
    attempt: int = 0
    #: how many of them were lost by the death of their own worker or its node
    losses: int = 0
    cancel_requested: bool = False
    current_epoch: int | None = None
    total_epochs: int | None = None
    latest_metrics: dict[str, Any] | None = None
    error: str | None = None
    result: dict[str, Any] | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    #: percent that earlier runs had done when the current or last one started
    started_progress: float = 0.0
    ended_at: datetime | None = None

    def evolve(self, **changes: Any) -> "TaskRecord":
        """A new record with these changes, for everything but the status: see `advance`."""
        return self.model_copy(update={"updated_at": now(), **changes})


def advance(task: TaskRecord, status: TaskStatus, **changes: Any) -> TaskRecord:
    """The task in its next state. Raises TaskConflict where the state machine has no such step."""
    if status not in _NEXT[task.status]:
        raise TaskConflict(f"Task '{task.id}' is {task.status.value} and cannot become {status.value}.")
    moment = now()
    times: dict[str, Any] = {"updated_at": moment}
    if status is TaskStatus.RUNNING:
        times |= {"started_at": moment, "started_progress": task.progress}
    if status.is_ended:
        times["ended_at"] = moment
    return task.model_copy(update={"status": status, **times, **changes})
