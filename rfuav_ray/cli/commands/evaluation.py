"""The commands that say how good a model and a data set are: evaluate and audit."""
# ruff: noqa: PLC0415

from typing import Annotated, Any

import typer

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests import AuditRequest, EvaluationRequest
from rfuav_ray.cli.app import Config, Detach, Root, app, where_paths_start, wrong_usage
from rfuav_ray.cli.commands.starting import Local, require_save_path, start_and_follow, works_here
from rfuav_ray.cli.request_flags import with_fields


def _sweep(text: str | None) -> dict[str, float] | None:
    """The `snr_sweep` of `from:to:step` or `from:to:step:bandwidth_hz`."""
    if text is None:
        return None
    parts = text.split(":")
    try:
        if len(parts) not in (3, 4):
            raise ValueError(text)
        return dict(zip(("from", "to", "step", "bandwidth_hz"), map(float, parts), strict=False))
    except ValueError:
        reason = "must be FROM:TO:STEP in dB, such as -20:20:2"
        raise typer.BadParameter(reason, param_hint="--snr-sweep") from None


@app.command(help=KINDS["evaluation"].summary)
@with_fields(
    EvaluationRequest,
    flags={"cfg_path": "--cfg", "weight_path": "--weights", "data_path": "--data", "unknown_path": "--unknown"},
    without=frozenset({"snr_sweep"}),
)
def evaluate(
    context: typer.Context,
    config: Config = None,
    root: Root = None,
    detach: Detach = False,
    local: Local = False,
    snr_sweep: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO:STEP[:HZ]",
            help="Add noise to clean recordings, and evaluate them at each of these in-band SNRs, in dB. HZ: the "
            "band whose noise counts; default: the sample rate.",
        ),
    ] = None,
    **_fields: Any,
) -> None:
    from rfuav_ray.cli.printing import new_console
    from rfuav_ray.cli.run_config import request_of

    is_here = works_here(context, local=local, detach=detach)
    with wrong_usage():
        parameters = {**context.params, "snr_sweep": _sweep(snr_sweep)}
        request = request_of(KINDS["evaluation"], config, parameters, where_paths_start(context, root))
    if is_here:
        assert isinstance(request, EvaluationRequest)
        require_save_path(request)
        from rfuav_ray.cli.local.evaluation import evaluate_here

        raise typer.Exit(evaluate_here(request, new_console(), may_use_gpus=context.obj.start.may_use_gpus))
    start_and_follow(context, "evaluation", request, detach=detach)


@app.command(help=KINDS["audit"].summary)
@with_fields(AuditRequest, arguments={"dataset_path": "DATASET"})
def audit(
    context: typer.Context,
    config: Config = None,
    root: Root = None,
    detach: Detach = False,
    local: Local = False,
    **_fields: Any,
) -> None:
    from rfuav_ray.cli.printing import new_console
    from rfuav_ray.cli.run_config import request_of

    is_here = works_here(context, local=local, detach=detach)
    with wrong_usage():
        request = request_of(KINDS["audit"], config, context.params, where_paths_start(context, root))
    if is_here:
        assert isinstance(request, AuditRequest)
        require_save_path(request)
        from rfuav_ray.cli.local.evaluation import audit_here

        raise typer.Exit(audit_here(request, new_console()))
    start_and_follow(context, "audit", request, detach=detach)
