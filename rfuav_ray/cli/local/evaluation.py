"""Evaluations and audits in this process, without a service."""

from pathlib import Path

from rich.console import Console

from rfuav_ray.api.preflight_evaluation import check_evaluation
from rfuav_ray.api.requests import AuditRequest, EvaluationRequest
from rfuav_ray.audit.checks import check_audit
from rfuav_ray.audit.run import audit
from rfuav_ray.cli.local.devices import torch_device
from rfuav_ray.cli.local.work import LocalWork, refuse_buckets, run_id_of
from rfuav_ray.cli.printing_evaluation import print_audit, print_evaluation
from rfuav_ray.evaluation.run import evaluate_model
from rfuav_ray.machine.malloc_tuning import keep_freed_memory

EVERYWHERE = (Path("/"),)


def evaluate_here(request: EvaluationRequest, console: Console, *, may_use_gpus: bool = True) -> int:
    """Evaluate, print the numbers, and return the exit status.

    It goes on where an earlier call of the same request was stopped.

    Args:
        request: What to evaluate, with absolute paths and a `save_path`.
        console: Shows the log and the result.
        may_use_gpus: Whether this process may use the GPUs that it sees.
    """
    refuse_buckets(request)
    keep_freed_memory()
    with LocalWork(console, request.name or Path(request.data_path).name) as work:
        checked = check_evaluation(request, roots=EVERYWHERE)
        result = evaluate_model(
            checked,
            save_path=Path(checked.save_path or "", checked.name or ""),
            report=work.report,
            device=torch_device(checked.device, work.report, may_use_gpus=may_use_gpus),
            run_id=run_id_of(checked),
            resume=True,
        )
    return work.ended(lambda: print_evaluation(console, result))


def audit_here(request: AuditRequest, console: Console) -> int:
    """Audit a data set, print the verdict, and return the exit status. It goes on as `evaluate_here`."""
    with LocalWork(console, Path(request.dataset_path or request.train_path or "").name) as work:
        checked = check_audit(request, roots=EVERYWHERE)
        result = audit(
            checked,
            save_path=Path(checked.save_path or ""),
            report=work.report,
            run_id=run_id_of(checked),
            resume=True,
        )
    return work.ended(lambda: print_audit(console, result))
