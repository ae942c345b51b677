"""What a Ray worker does with a run: call the domain function, pass its reports on, say how it ended."""

import logging
import os
from pathlib import Path
from typing import Any

from actors.reporter import Reporter
from actors.runs import Outcome, RunSpec
from rfuav_ray.errors import RfuavError, RunCancelled
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.requests import (
    DataAugmentationRequest,
    DatasetSplitRequest,
    ImageCropRequest,
    InferenceRequest,
    PreprocessingRequest,
    TrainingRequest,
    parse_request,
)

logger = logging.getLogger(__name__)


def run(spec: RunSpec, metrics_actor: Any, task_manager_actor: Any) -> Outcome:
    """The Ray task of every run. Raises nothing that the run itself caused: it is in the outcome."""
    reporter = Reporter(spec, metrics_actor, task_manager_actor)
    with reporter:
        try:
            reporter.report(RunEvent(message=f"Run {spec.attempt} started in process {os.getpid()}."))
            return Outcome("completed", result=_work(spec, reporter))
        except RunCancelled:
            return Outcome("cancelled")
        except RfuavError as error:
            return Outcome("failed", error=clean(str(error)))
        except OSError as error:  # no space left, no permission
            return Outcome("failed", error=clean(f"{error.filename or 'A file'}: {error.strerror or error}"))
        except Exception as error:
            logger.exception("run %s failed", spec.run_id)
            return Outcome("failed", error=clean(f"{type(error).__name__}: {error}"))


def _work(spec: RunSpec, reporter: Reporter) -> dict[str, Any]:
    request = parse_request(spec.kind, spec.request)
    if isinstance(request, TrainingRequest):
        return _train(spec, request, reporter)
    if isinstance(request, InferenceRequest):
        return _infer(spec, request, reporter.report)
    return _preprocess(spec, request, reporter.report)


# The imports below are where they are because the actors that name this module must not load torch or Ray Data.


def _train(spec: RunSpec, request: TrainingRequest, reporter: Reporter) -> dict[str, Any]:
    from rfuav_ray.training import train  # noqa: PLC0415

    is_retry = spec.attempt > 1
    return train(
        request,
        report=reporter.report,
        device=_torch_device(spec, reporter.report),
        run_id=spec.task_id,
        resume=is_retry,
        reported_epoch=reporter.last_epoch() if is_retry else 0,
    )


def _infer(spec: RunSpec, request: InferenceRequest, report: Report) -> dict[str, Any]:
    from rfuav_ray.inference import infer  # noqa: PLC0415

    device = _torch_device(spec, report)
    return infer(request, save_path=_inference_folder(request), report=report, device=device)


def _preprocess(spec: RunSpec, request: PreprocessingRequest, report: Report) -> dict[str, Any]:
    from preprocessing import augment, crop, spectrogram, split  # noqa: PLC0415
    from preprocessing.pipeline import Workers  # noqa: PLC0415

    where: Any = {"run_id": spec.task_id, "workers": Workers(spec.worker_count, spec.worker_cpus)}
    if isinstance(request, DatasetSplitRequest):
        return split.run(request, **where, report=report)
    if isinstance(request, DataAugmentationRequest):
        return augment.run(request, **where, report=report)
    if isinstance(request, ImageCropRequest):
        return crop.run(request, **where, report=report)
    return spectrogram.run(request, **where, report=report)


def _inference_folder(request: InferenceRequest) -> Path:
    folder = Path(request.save_path or "")
    return folder / request.name if request.name else folder


def _torch_device(spec: RunSpec, report: Report) -> str:
    """Also gives torch the run's threads."""
    import torch  # noqa: PLC0415

    # Ray sets OMP_NUM_THREADS from num_cpus, which is a share here.
    torch.set_num_threads(spec.threads)
    if spec.device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda:0"  # Ray shows the worker its own GPU only
    message = f"{spec.device} is a logical GPU without hardware; computing on the CPU."
    report(RunEvent(message=message, level="WARNING"))
    return "cpu"
