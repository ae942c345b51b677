"""What a Ray worker does with a run: call the domain function, pass its reports on, say how it ended."""

import logging
import os
from pathlib import Path
from typing import Any

from actors.reporter import Reporter
from actors.runs import Outcome, RunSpec
from rfuav_ray.errors import RfuavError, RunCancelled
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.requests import InferenceRequest, TrainingRequest, parse_request

logger = logging.getLogger(__name__)


def run(spec: RunSpec, metrics_actor: Any, task_manager_actor: Any) -> Outcome:
    """The Ray task of every run. Raises nothing that the run itself caused: it is in the outcome."""
    reporter = Reporter(spec, metrics_actor, task_manager_actor)
    with reporter:
        try:
            reporter.report(RunEvent(message=f"Run {spec.attempt} started in process {os.getpid()}."))
            return Outcome("completed", result=_work(spec, reporter.report))
        except RunCancelled:
            return Outcome("cancelled")
        except RfuavError as error:
            return Outcome("failed", error=clean(str(error)))
        except OSError as error:  # no space left, no permission
            return Outcome("failed", error=clean(f"{error.filename or 'A file'}: {error.strerror or error}"))
        except Exception as error:
            logger.exception("run %s failed", spec.run_id)
            return Outcome("failed", error=clean(f"{type(error).__name__}: {error}"))


def _work(spec: RunSpec, report: Report) -> dict[str, Any]:
    # Here and not above: the actors that name this module must not load torch.
    import torch  # noqa: PLC0415

    # Ray sets OMP_NUM_THREADS from num_cpus, which is a share here.
    torch.set_num_threads(spec.threads)
    device = _torch_device(spec, report, has_cuda=torch.cuda.is_available())
    request = parse_request(spec.kind, spec.request)
    if isinstance(request, TrainingRequest):
        from rfuav_ray.training import train  # noqa: PLC0415

        return train(request, report=report, device=device, run_id=spec.task_id, resume=spec.attempt > 1)
    from rfuav_ray.inference import infer  # noqa: PLC0415

    return infer(request, save_path=_inference_folder(request), report=report, device=device)


def _inference_folder(request: InferenceRequest) -> Path:
    folder = Path(request.save_path or "")
    return folder / request.name if request.name else folder


def _torch_device(spec: RunSpec, report: Report, *, has_cuda: bool) -> str:
    if spec.device == "cpu":
        return "cpu"
    if has_cuda:
        return "cuda:0"  # Ray shows the worker its own GPU only
    report(
        RunEvent(
            message=f"{spec.device} is a logical GPU without hardware; computing on the CPU.", level="WARNING"
        )
    )
    return "cpu"
