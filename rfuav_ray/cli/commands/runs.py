"""The commands for training, inference, logs and cancelling. Each imports its dependencies itself."""
# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rfuav_ray.api.requests import InferenceRequest, TrainingRequest
from rfuav_ray.cli.app import Config, Detach, Root, app, open_client, where_paths_start, wrong_usage
from rfuav_ray.cli.commands.starting import NO_SERVICE, require_save_path, start_and_follow
from rfuav_ray.cli.request_flags import with_fields
from rfuav_ray.errors import RfuavError


@app.command()
def demo(folder: Annotated[Path, typer.Option(help="Folder for the files of the demo.")] = Path("demo")) -> None:
    """Demonstrate the whole workflow on simulated recordings: spectrograms, training, inference."""
    from rfuav_ray.cli.printing import new_console
    from rfuav_ray.demo import run

    raise typer.Exit(run(folder, new_console()))


@app.command()
def doctor() -> None:
    """Check this installation, and suggest a remedy for each problem."""
    from rfuav_ray.cli.doctor.examination import examine
    from rfuav_ray.cli.printing import findings_table, new_console

    console = new_console()
    with console.status("Checking; PyTorch takes a while to load …"):
        findings = list(examine())
    console.print(findings_table(console, findings))
    raise typer.Exit(int(any(finding.state == "broken" for finding in findings)))


@app.command()
@with_fields(TrainingRequest, helps={"num_classes": "Default: the class folders are counted."})
def train(
    context: typer.Context,
    config: Config = None,
    root: Root = None,
    detach: Detach = False,
    local: Annotated[bool, typer.Option("--local", help="Train in this process, without a service.")] = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume",
            help="With --local: go on where an earlier call of the same training was stopped (default), or not.",
        ),
    ] = None,
    **_fields: Any,
) -> None:
    """Train a classifier and follow it to its end."""
    from rfuav_ray.cli.printing import new_console
    from rfuav_ray.cli.run_config import training_request

    is_here = local or context.obj.works_here
    if (detach and is_here) or (resume is not None and not is_here):
        raise typer.BadParameter(f"--detach needs a service: {NO_SERVICE}; --resume and --no-resume need none")
    with wrong_usage():
        request = training_request(config, context.params, where_paths_start(context, root))
    if is_here:
        from rfuav_ray.cli.local.training import train_here

        gpus = context.obj.start.may_use_gpus
        raise typer.Exit(train_here(request, new_console(), resume=resume is not False, may_use_gpus=gpus))
    start_and_follow(context, "training", request, detach=detach)


@app.command()
@with_fields(
    InferenceRequest,
    flags={"cfg_path": "--cfg", "weight_path": "--weights"},
    helps={"save_path": "Folder for the predictions; each of several sources gets a sub-folder."},
    without=frozenset({"source_path"}),
)
def infer(
    context: typer.Context,
    source: Annotated[
        list[str] | None, typer.Option(help="Image, recording, folder. Each becomes a task.")
    ] = None,
    config: Config = None,
    root: Root = None,
    detach: Detach = False,
    local: Annotated[bool, typer.Option("--local", help="Classify in this process, without a service.")] = False,
    **_fields: Any,
) -> None:
    """Classify images and recordings, and follow the work to its end."""
    from rfuav_ray.cli.printing import new_console
    from rfuav_ray.cli.run_config import inference_request

    is_here = local or context.obj.works_here
    if is_here and (detach or len(source or []) > 1):
        raise typer.BadParameter(f"--detach and several sources need a service: {NO_SERVICE}")
    with wrong_usage():
        start = where_paths_start(context, root)
        request = inference_request(config, context.params, sources=source or [], start=start)
    if is_here:
        from rfuav_ray.cli.local.inference import infer_here

        assert isinstance(request, InferenceRequest)
        require_save_path(request)
        raise typer.Exit(infer_here(request, new_console(), may_use_gpus=context.obj.start.may_use_gpus))
    start_and_follow(context, "inference", request, detach=detach)


@app.command()
def logs(
    context: typer.Context,
    task_id: Annotated[str, typer.Argument(help="Task id, as shown by `rfuav tasks`.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until the task ends.")] = False,
) -> None:
    """Print a task's log."""
    from rfuav_ray.cli.printing import new_console
    from rfuav_ray.cli.watch import print_logs

    with open_client(context) as client:
        raise typer.Exit(print_logs(client, task_id, new_console(), follow=follow))


@app.command()
def cancel(
    context: typer.Context, task_ids: Annotated[list[str], typer.Argument(help="Ids of one or more tasks.")]
) -> None:
    """Cancel tasks that wait or run."""
    failed = False
    with open_client(context) as client:
        for task_id in task_ids:
            try:
                print(client.cancel_task(task_id)["message"])
            except RfuavError as error:  # continue with the other tasks
                print(f"Error: {error}", file=sys.stderr)
                failed = True
    raise typer.Exit(int(failed))
