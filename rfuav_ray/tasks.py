"""The record of a task and its state machine."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from rfuav_ray.api.kinds import TaskKind
from rfuav_ray.api.results import AsStored, EpochMetrics, TaskResult
from rfuav_ray.errors import TaskConflict


class TaskStatus(StrEnum):
    #: waiting for a slot on a device
    PENDING = "pending"
    #: a run of the task is starting or working
    RUNNING = "running"
    COMPLETED = "completed"
    #: `error` holds the reason
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ended(self) -> bool:
        return not _NEXT[self]


_NEXT: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.RUNNING, TaskStatus.CANCELLED, TaskStatus.FAILED}),
    # Back to pending only when the run was lost or interrupted, and the task is queued for another run.
    TaskStatus.RUNNING: frozenset(
        {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.PENDING}
    ),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}


#: the values that the store and the API use
LIVE_STATUSES = tuple(status.value for status in TaskStatus if not status.is_ended)
ENDED_STATUSES = tuple(status.value for status in TaskStatus if status.is_ended)


def now() -> datetime:
    """The time of day. It may jump: what is waited for or measured needs a monotonic clock."""
    return datetime.now(UTC)


class WorkerPlace(BaseModel):
    """Where a worker of a run is."""

    model_config = ConfigDict(frozen=True)

    device: str
    #: host name
    node: str
    node_id: str
    #: as `TaskRecord.device_share`
    device_share: float


class TaskRecord(BaseModel):
    """The state of a task. Immutable: each change makes a new record."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: TaskKind
    #: the validated request with resolved paths, as JSON: each kind has its model, which `parse_request` knows
    request: dict[str, Any]
    priority: int
    #: order of submission; decides between tasks of equal priority
    number: int
    #: the requested device: cpu, cuda or cuda:N
    wanted_device: str
    #: one counter for all tasks that grows with every change; readers use it to fetch only changes
    version: int = 0
    status: TaskStatus = TaskStatus.PENDING
    message: str = "Waiting in the queue."
    description: str | None = None
    #: percent
    progress: float = 0.0
    #: the device of the current or last run; None while the task waits
    device: str | None = None
    #: fraction, 0 to 1, of the device's capacity on this node for runs that Ray counts for the current run
    device_share: float = 0.0
    #: Ray's id of the node of the current or last run; None before the first, and in records of earlier versions
    node_id: str | None = None
    #: the workers of the current or last run, by rank, if it has several. The fields above are the first one's
    workers: tuple[WorkerPlace, ...] = ()
    #: number of runs started so far
    attempt: int = 0
    #: number of runs lost because a worker process died
    losses: int = 0
    #: number of log entries that the current or last run has reported
    reported_entries: int = 0
    #: number of WARNING entries in the task's log, over all its runs
    warnings: int = 0
    #: of a submission: warnings about the request, which the TaskManager writes into the log of the new task
    submission_warnings: tuple[str, ...] = ()
    cancel_requested: bool = False
    current_epoch: int | None = None
    total_epochs: int | None = None
    #: the last epoch whose end is in the log; a training that had to begin again is behind it
    reported_epoch: int = 0
    latest_metrics: AsStored[EpochMetrics] | None = None
    error: str | None = None
    result: AsStored[TaskResult] | None = None
    #: the name of the key; None without keys, and in records of earlier versions
    submitted_by: str | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    #: progress in percent at the start of the current or last run
    started_progress: float = 0.0
    ended_at: datetime | None = None

    @property
    def worker_count(self) -> int:
        """How many workers its runs have. Records of earlier versions do not say so."""
        return int(self.request.get("num_workers", 1)) if self.kind == "training" else 1

    @property
    def run_id(self) -> str:
        """The current or last run. A task may have the id of a deleted one, but not its time."""
        return f"{self.id}:{self.created_at.timestamp():.6f}:{self.attempt}"

    def evolve(self, **changes: Any) -> "TaskRecord":
        """Return a copy with these changes. Use `advance` to change the status."""
        return self.model_copy(update={"updated_at": _next_moment(self), **changes})


def advance(task: TaskRecord, status: TaskStatus, **changes: Any) -> TaskRecord:
    """Return a copy of the task in the given status, with the times of the transition set.

    Raises:
        TaskConflict: The state machine does not allow the transition.
    """
    if status not in _NEXT[task.status]:
        raise TaskConflict(f"Task '{task.id}' is {task.status.value} and cannot become {status.value}.")
    moment = _next_moment(task)
    times: dict[str, Any] = {"updated_at": moment}
    if status is TaskStatus.RUNNING:
        times |= {"started_at": moment, "started_progress": task.progress}
    if status.is_ended:
        times["ended_at"] = moment
    return task.model_copy(update={"status": status, **times, **changes})


def _next_moment(task: TaskRecord) -> datetime:
    """The times of a task never go back, even if the clock does: a duration is never negative."""
    return max(now(), task.updated_at)
