"""The commands for training, inference, logs and cancelling. Each imports its dependencies itself."""
# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rfuav_ray.cli.app import Config, Description, Detach, TaskIdOption, app, open_client
from rfuav_ray.errors import RfuavError

Device = Annotated[str | None, typer.Option(help="cpu, cuda (the least loaded GPU) or cuda:N.")]
Precision = Annotated[str | None, typer.Option(help="auto, fp32 or bf16, which the model computes in.")]
Priority = Annotated[int | None, typer.Option(min=1, max=10, help="1 is the most urgent.")]


@app.command()
def demo(folder: Annotated[Path, typer.Option(help="Where its files go.")] = Path("demo")) -> None:
    """Demonstrate the whole workflow on simulated recordings: spectrograms, training, inference."""
    from rfuav_ray.cli.tables import new_console
    from rfuav_ray.demo import run

    raise typer.Exit(run(folder, new_console()))


@app.command()
def doctor() -> None:
    """Check this installation, and suggest a remedy for each problem."""
    from rfuav_ray.cli.doctor import examine
    from rfuav_ray.cli.tables import findings_table, new_console

    console = new_console()
    with console.status("Checking; PyTorch takes a while to load …"):
        findings = list(examine())
    console.print(findings_table(console, findings))
    raise typer.Exit(int(any(finding.state == "broken" for finding in findings)))


@app.command()
def train(
    context: typer.Context,
    config: Config = None,
    model: Annotated[str | None, typer.Option(help="For example resnet18.")] = None,
    num_classes: Annotated[int | None, typer.Option(help="Default: the class folders are counted.")] = None,
    train_path: Annotated[Path | None, typer.Option(help="Folders <path>/<class>/<image>.")] = None,
    val_path: Annotated[Path | None, typer.Option(help="The same for validation.")] = None,
    save_path: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    name: Annotated[str | None, typer.Option(help="Sub-folder of it for this run.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images in a batch.")] = None,
    num_epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Adam's.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Pixels a side.")] = None,
    device: Device = None,
    weight_path: Annotated[Path | None, typer.Option(help="Weights to start from.")] = None,
    pretrained: Annotated[bool | None, typer.Option(help="Start from ImageNet weights.")] = None,
    shuffle: Annotated[bool | None, typer.Option(help="New order in each epoch.")] = None,
    precision: Precision = None,
    task_id: TaskIdOption = None,
    priority: Priority = None,
    description: Description = None,
    detach: Detach = False,
    local: Annotated[bool, typer.Option("--local", help="Train in this process, without a service.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --local: go on from the checkpoint in the folder.")
    ] = False,
) -> None:
    """Train a classifier, and follow the training until it ends."""
    from rfuav_ray.api.requests import TrainingRequest
    from rfuav_ray.cli.run_config import given_fields, training_request
    from rfuav_ray.cli.tables import new_console
    from rfuav_ray.cli.watch import follow_training

    if (detach and local) or (resume and not local):
        raise typer.BadParameter("--detach is for the service, --resume only for --local")
    flags = {name: value for name, value in context.params.items() if name in TrainingRequest.model_fields}
    request = training_request(config, flags)
    console = new_console()
    if local:
        from rfuav_ray.cli.local_run import train_to_the_end

        raise typer.Exit(train_to_the_end(request, console, resume=resume))
    with open_client(context) as client:
        task_id = client.start_training(**given_fields(request))["task_id"]
        if detach:
            print(task_id)
            return
        raise typer.Exit(follow_training(client, task_id, console))


@app.command()
def infer(
    context: typer.Context,
    config: Config = None,
    cfg: Annotated[Path | None, typer.Option(help="The model's YAML.")] = None,
    weights: Annotated[Path | None, typer.Option(help="The model's weights, .pth.")] = None,
    source: Annotated[list[Path] | None, typer.Option(help="File or folder; several make one task each.")] = None,
    save_path: Annotated[
        Path | None, typer.Option(help="Folder for the predictions; with several sources a sub-folder each.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Sub-folder of it for this run.")] = None,
    device: Device = None,
    precision: Precision = None,
    task_id: TaskIdOption = None,
    priority: Priority = None,
    detach: Detach = False,
) -> None:
    """Classify images, and follow the tasks until they end."""
    from rfuav_ray.api.requests import BatchInferenceRequest
    from rfuav_ray.cli.run_config import given_fields, inference_request
    from rfuav_ray.cli.tables import new_console
    from rfuav_ray.cli.watch import follow_inferences

    flags: dict[str, Any] = {"cfg_path": cfg, "weight_path": weights, "save_path": save_path, "name": name}
    flags |= {"device": device, "precision": precision, "task_id": task_id, "priority": priority}
    request = inference_request(config, flags, sources=source or [])
    console = new_console()
    with open_client(context) as client:
        if isinstance(request, BatchInferenceRequest):
            task_ids = client.start_batch_inference(**given_fields(request))["task_ids"]
        else:
            task_ids = [client.start_inference(**given_fields(request))["task_id"]]
        if detach:
            print(*task_ids, sep="\n")
            return
        raise typer.Exit(follow_inferences(client, task_ids, console))


@app.command()
def logs(
    context: typer.Context,
    task_id: Annotated[str, typer.Argument(help="As `rfuav tasks` shows it.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on to the last entry.")] = False,
) -> None:
    """Print a task's log."""
    from rfuav_ray.cli.tables import new_console
    from rfuav_ray.cli.watch import print_logs

    with open_client(context) as client:
        raise typer.Exit(print_logs(client, task_id, new_console(), follow=follow))


@app.command()
def cancel(
    context: typer.Context, task_ids: Annotated[list[str], typer.Argument(help="One or more tasks.")]
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
