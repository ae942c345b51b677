"""One attempt at a task: what it is given, and how it ended. Plain data that travels between actors."""

from dataclasses import dataclass
from typing import Any, Literal

#: what a run is told when it reports. Interrupt: keep what is done for a later run, and end
Order = Literal["go on", "cancel", "interrupt"]


@dataclass(frozen=True)
class RunSpec:
    task_id: str
    kind: str
    #: 1 for the first run of the task; a later one goes on where the earlier one was lost
    attempt: int
    request: dict[str, Any]
    #: the slot's device: cpu or cuda:N
    device: str
    #: CPU threads that the run may use, if its process may run on so many CPUs
    threads: int
    #: how many runs of its kind may be beside each other on a node, this one counted
    limit: int = 1
    #: of a GPU: how its node names it, and whether it is more than a number in Ray's books
    gpu_id: str | None = None
    has_hardware: bool = False
    #: of preprocessing: the Ray tasks that work at once, and the CPUs that each counts for
    worker_count: int = 1
    worker_cpus: float = 1.0

    @property
    def run_id(self) -> str:
        return f"{self.task_id}:{self.attempt}"


@dataclass(frozen=True)
class Outcome:
    #: lost: the worker or its node died; another try may do better
    #: interrupted: a part of the service ended, or stops in good order, and the run with it: no fault of the run
    status: Literal["completed", "failed", "cancelled", "lost", "interrupted"]
    result: dict[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True)
class Progress:
    """Where a run stands; None leaves what is known."""

    percent: float | None = None
    epoch: int | None = None
    message: str | None = None
    #: a whole `latest_metrics` object
    metrics: dict[str, Any] | None = None
    #: bytes on the GPU that torch uses, and that it keeps
    gpu_memory: tuple[int, int] | None = None
