"""One attempt at a task: its specification, progress and outcome. Plain data that travels between actors."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from actors.events.window import Entry
from rfuav_ray.api.results import EpochMetrics, TaskResult
from rfuav_ray.objects.access import ObjectSettings

#: the answer to a report of a run. "interrupt": keep the work for a later run, and end
Instruction = Literal["continue", "cancel", "interrupt"]


@dataclass(frozen=True)
class RunSpec:
    #: see `TaskRecord.run_id`
    run_id: str
    task_id: str
    kind: str
    #: 1 for the first run of the task; a later run resumes where the earlier one ended
    attempt: int
    #: as in `TaskRecord.request`
    request: dict[str, Any]
    #: the slot's device: cpu or cuda:N
    device: str
    #: for a run on the CPU: how many runs of its kind may work on its node at the same time, including this one
    limit: int = 1
    #: for a run on a GPU: the id of the GPU on its node, whether it is real hardware or only a logical GPU, and
    #: the fraction of the node's cores that the run may use
    gpu_id: str | None = None
    has_hardware: bool = False
    node_fraction: float = 0.0
    #: for preprocessing: how many Ray tasks work at the same time, and the CPUs that Ray counts for each
    worker_count: int = 1
    worker_cpus: float = 1.0
    #: for preprocessing: the nodes of these tasks; empty for all nodes
    worker_nodes: tuple[str, ...] = ()
    #: for a training with several workers: which one this is, and how many there are
    rank: int = 0
    workers: int = 1
    #: for a training that resumes: the last epoch whose end is in the task's log
    reported_epoch: int = 0
    #: DATA_ROOTS: the run opens files there only, wherever links lead
    data_roots: tuple[Path, ...] = ()
    #: what the service keeps for itself: the run opens nothing there
    private_paths: tuple[Path, ...] = ()
    #: the buckets of DATA_ROOTS, and the cache of their objects
    objects: ObjectSettings = field(default_factory=ObjectSettings)


@dataclass(frozen=True)
class Outcome:
    #: lost: the worker died; a later run may succeed
    #: interrupted: the node or a part of the service died or is stopping, so the run ended; it is not at fault
    #: misplaced: the node does not have its inputs, so nothing was started; another node may have them
    status: Literal["completed", "failed", "cancelled", "lost", "interrupted", "misplaced"]
    result: TaskResult | None = None
    error: str | None = None
    #: of a failed run, for the service's log file
    traceback: str | None = None
    #: lost, because another worker of the run had ended
    missed_another: bool = False


@dataclass(frozen=True)
class Progress:
    """The progress of a run. None leaves the known value unchanged."""

    percent: float | None = None
    epoch: int | None = None
    message: str | None = None
    #: of the last finished epoch
    metrics: EpochMetrics | None = None
    #: bytes on the GPU that torch uses, and bytes that it has reserved
    gpu_memory: tuple[int, int] | None = None


@dataclass(frozen=True)
class RunReport:
    """The news of a run since its last acknowledged report. A report that arrives twice counts once."""

    run_id: str
    task_id: str
    #: number of the run's entries that were acknowledged before; the number of the first entry here
    first_index: int
    entries: list[Entry] = field(default_factory=list)
    progress: Progress = Progress()
    #: for how long the run's work itself has reported nothing
    silent_s: float = 0.0


@dataclass(frozen=True)
class ReportAnswer:
    instruction: Instruction
    #: the entries are on disk, or nobody needs them any more; otherwise the run sends them again
    is_stored: bool
    #: pause before the next report
    next_report_s: float
