"""Executes a run in a Ray worker: calls the domain function, passes its reports on, and returns the outcome."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from traceback import format_exception
from typing import Any, TypedDict

import ray

from actors import names
from actors.devices.numbering import CPU
from actors.memory.run_processes import works_for
from actors.runs.log_events import warnings_as_events
from actors.runs.objects.inputs_here import inputs_here
from actors.runs.objects.outputs_here import outputs_here
from actors.runs.reporter import Reporter
from actors.runs.spec import Outcome, RunSpec
from rfuav_ray.api.kinds import KINDS, parse_request
from rfuav_ray.api.results import (
    AuditResult,
    EvaluationResult,
    InferenceResult,
    PreprocessingResult,
    RunPlace,
    TaskResult,
    TrainingResult,
)
from rfuav_ray.errors import RfuavError, RunCancelled, RunError, RunInterrupted, RunLost, WorkerMissed
from rfuav_ray.events import Report, RunEvent, clean, ignore
from rfuav_ray.file_access.roots import confine
from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.machine.malloc_tuning import freed_memory_kept
from rfuav_ray.objects.shown import shown
from rfuav_ray.tasks import now
from rfuav_ray.training.workers.seats import Member, Seat

#: a worker that waits for the others looks this often whether it has to stop
MEETING_LOOKS_EVERY_S = 0.25
#: and says after this time what it waits for
MEETING_TOLD_AFTER_S = 15.0


def run(spec: RunSpec, task_manager_actor: Any) -> Outcome:
    """The Ray task of every run.

    Args:
        spec: The run.
        task_manager_actor: Receives the run's reports, and answers with an instruction.

    Returns:
        The outcome. It also carries the errors that the run itself caused: they are never raised.
    """
    confine(spec.data_roots, spec.private_paths)
    if spec.rank > 0:
        return _take_part(spec)
    reporter = Reporter(spec, task_manager_actor)
    place = _place(spec)
    with works_for(spec.run_id, place["node_id"]), reporter:
        try:
            on_gpu = f", GPU {', '.join(place['gpu_ids'])}" if place["gpu_ids"] else ""
            message = f"Run {spec.attempt} started in process {os.getpid()} on {place['node']}{on_gpu}."
            reporter.report(RunEvent(message=message))
            with (
                freed_memory_kept(),
                warnings_as_events(reporter.note),
                inputs_here(spec, reporter.report, place) as with_inputs,
                outputs_here(with_inputs, reporter.report, reporter.note, place) as here,
            ):
                result = shown(_work(here, reporter, place))
            return Outcome("completed", result=result | {"run": place | {"ended_at": now().isoformat()}})
        except Exception as error:
            return ending(error)


def warm_up() -> None:
    """Do nothing. Ray starts a worker for this task, and that starts the node's fork server."""


def ending(error: Exception) -> Outcome:
    match error:
        case RunCancelled():
            outcome = Outcome("cancelled")
        case RunInterrupted():
            outcome = Outcome("interrupted", error="The run was interrupted because the service is stopping.")
        case RunLost():
            missed_another = isinstance(error, WorkerMissed)
            outcome = Outcome("lost", error=clean(str(error)), missed_another=missed_another)
        case RfuavError():
            outcome = _failed(str(error), error)
        case OSError():  # no space left, no permission
            outcome = _failed(f"{error.filename or 'A file'}: {error.strerror or error}", error)
        case _:
            outcome = _failed(f"{type(error).__name__}: {error}", error)
    return outcome


def _failed(reason: str, error: Exception) -> Outcome:
    return Outcome("failed", error=clean(reason), traceback=clean("".join(format_exception(error))))


def _place(spec: RunSpec) -> RunPlace:
    """Where and when the run started, for its result. Also sets the variables that select its GPU."""
    # By default CUDA numbers GPUs by speed. NVML, nvidia-smi and Ray number them by their position on the bus.
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    gpu_ids = [str(gpu_id) for gpu_id in ray.get_gpu_ids()]
    if spec.gpu_id is not None and not gpu_ids:
        # Ray counts the whole GPU for the runs that started before this one; see SlotTable.
        gpu_ids = [spec.gpu_id]
        os.environ["CUDA_VISIBLE_DEVICES"] = spec.gpu_id
    return {
        "attempt": spec.attempt,
        "device": spec.device,
        "node": os.uname().nodename,
        "node_id": ray.get_runtime_context().get_node_id(),
        "gpu_ids": gpu_ids,
        "started_at": now().isoformat(),
    }


def _work(spec: RunSpec, reporter: Reporter, place: RunPlace) -> TaskResult:
    run_function = RUN_FUNCTIONS.get(spec.kind, _preprocess)
    return run_function(spec, parse_request(spec.kind, spec.request), reporter, place)


class _Common(TypedDict):
    """What every domain function that this module calls takes."""

    report: Report
    run_id: str
    resume: bool
    roots: Sequence[Path]


def _common(spec: RunSpec, reporter: Reporter) -> _Common:
    return {
        "report": reporter.report,
        "run_id": spec.task_id,
        "resume": spec.attempt > 1,
        "roots": spec.data_roots,
    }


# The functions below import late, because the actors that import this module must not load torch or Ray Data.


def _train(spec: RunSpec, request: Any, reporter: Reporter, place: RunPlace) -> TrainingResult:
    from rfuav_ray.training.run import train  # noqa: PLC0415

    return train(
        request,
        device=_torch_device(spec, reporter.report, place),
        reported_epoch=spec.reported_epoch,
        environment=place,
        seat=_seat(spec, reporter.report) if spec.workers > 1 else None,
        **_common(spec, reporter),
    )


def _take_part(spec: RunSpec) -> Outcome:
    """The run of a worker besides the first one. The first one reports for all."""
    place = _place(spec)
    with works_for(spec.run_id, place["node_id"]), freed_memory_kept():
        try:
            from rfuav_ray.training.workers.member import take_part  # noqa: PLC0415

            device = _torch_device(spec, ignore, place)
            with inputs_here(spec, ignore, place) as here:
                request: Any = parse_request(here.kind, here.request)
                take_part(request, _seat(here, ignore), device=device, roots=here.data_roots)
            return Outcome("completed")
        except Exception as error:
            return ending(error)


def _seat(spec: RunSpec, report: Report) -> Seat:
    """The place of this worker. `report` may raise to stop it while it waits for the others."""
    supervisor_actor = ray.get_actor(names.RUN_SUPERVISOR, names.NAMESPACE)

    def meet(own: Member) -> list[Member]:
        all_ref = supervisor_actor.meet.remote(spec.run_id, spec.workers, own)
        looks = 0
        while not ray.wait([all_ref], timeout=MEETING_LOOKS_EVERY_S)[0]:
            looks += 1
            is_late = looks == MEETING_TOLD_AFTER_S / MEETING_LOOKS_EVERY_S
            report(RunEvent(message="Waiting for the other workers." if is_late else ""))
        members: list[Member] = ray.get(all_ref)
        return members

    return Seat(spec.rank, spec.workers, ray.util.get_node_ip_address(), meet)


def _infer(spec: RunSpec, request: Any, reporter: Reporter, place: RunPlace) -> InferenceResult:
    from rfuav_ray.inference.run import infer  # noqa: PLC0415

    return infer(
        request,
        save_path=KINDS[spec.kind].output_folder(spec.request),
        device=_torch_device(spec, reporter.report, place),
        **_common(spec, reporter),
    )


def _evaluate(spec: RunSpec, request: Any, reporter: Reporter, place: RunPlace) -> EvaluationResult:
    from rfuav_ray.evaluation.run import evaluate_model  # noqa: PLC0415

    return evaluate_model(
        request,
        save_path=KINDS[spec.kind].output_folder(spec.request),
        device=_torch_device(spec, reporter.report, place),
        **_common(spec, reporter),
    )


def _audit(spec: RunSpec, request: Any, reporter: Reporter, _place: RunPlace) -> AuditResult:
    from rfuav_ray.audit.run import audit  # noqa: PLC0415

    return audit(request, save_path=KINDS[spec.kind].output_folder(spec.request), **_common(spec, reporter))


def _preprocess(spec: RunSpec, request: Any, reporter: Reporter, _place: RunPlace) -> PreprocessingResult:
    from preprocessing.pipeline.driver import Workers  # noqa: PLC0415

    workers = Workers(spec.worker_count, spec.worker_cpus, partial(works_for, spec.run_id), spec.worker_nodes)
    result: PreprocessingResult = pipeline_of(spec.kind).run(
        request, run_id=spec.task_id, workers=workers, report=reporter.report, roots=spec.data_roots
    )
    return result


def pipeline_of(kind: str) -> Any:
    """Return the module whose `run` does this kind of preprocessing."""
    from preprocessing import augment, crop, spectrogram, split  # noqa: PLC0415

    pipelines = {"split": split, "augment": augment, "crop": crop, "spectrogram": spectrogram}
    return pipelines[kind]


#: by kind of task; the others are preprocessing
RUN_FUNCTIONS: dict[str, Callable[[RunSpec, Any, Reporter, RunPlace], TaskResult]] = {
    "training": _train,
    "inference": _infer,
    "evaluation": _evaluate,
    "audit": _audit,
}


def threads_of(spec: RunSpec, node_cpus: float) -> int:
    """CPU threads of a run: the usable cores of its node, divided by what may run beside it there.

    Ray may count more CPUs than the process may use. With four times as many threads as cores, each step of a
    training waits for threads that are not running.

    Args:
        spec: The run, which works on this node.
        node_cpus: The CPUs of this node as Ray counts them. A node without any has only runs on its GPUs.
    """
    cores = min(usable_cpus(), int(node_cpus) or sys.maxsize)
    if spec.device != CPU:
        return max(1, int(cores * spec.node_fraction + 1e-6))
    return max(1, cores // spec.limit)


def _node_cpus(node_id: str) -> float:
    of_nodes = {node["NodeID"]: node["Resources"].get("CPU", 0.0) for node in ray.nodes()}
    return float(of_nodes.get(node_id, 0.0))


def _torch_device(spec: RunSpec, report: Report, place: RunPlace) -> str:
    """The run's device in torch's terms. Also sets torch's number of threads."""
    import torch  # noqa: PLC0415

    # Ray derived OMP_NUM_THREADS from num_cpus, which is a fraction here.
    torch.set_num_threads(threads_of(spec, _node_cpus(place["node_id"])))
    if spec.device == CPU:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda:0"  # the worker sees only the GPU of its run
    if spec.has_hardware:
        raise RunError(
            f"PyTorch cannot use {spec.device} (GPU {spec.gpu_id} of {os.uname().nodename}): PyTorch is a CPU "
            "build, or the driver is too old. Run `rfuav doctor` on that machine. To run the task now, use device "
            "'cpu'."
        )
    message = f"{spec.device} is a logical GPU without hardware; computing on the CPU."
    report(RunEvent(message=message, level="WARNING"))
    return "cpu"
