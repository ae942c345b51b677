"""What the commands share that start tasks: they follow them to their end, or work in this process."""
# ruff: noqa: PLC0415

from typing import Annotated, Any

import typer

from rfuav_ray.api.requests import BatchInferenceRequest, Request
from rfuav_ray.cli.app import open_client

NO_SERVICE = "name it with --url or RFUAV_URL, and leave out --local"
Local = Annotated[bool, typer.Option("--local", help="Work in this process, without a service.")]


def works_here(context: typer.Context, *, local: bool, detach: bool) -> bool:
    """Whether the command works in this process. Raises BadParameter if `detach` does not fit."""
    is_here = bool(local or context.obj.works_here)
    if is_here and detach:
        raise typer.BadParameter(f"--detach needs a service: {NO_SERVICE}")
    return is_here


def require_save_path(request: Any) -> None:
    if request.save_path is None:
        raise typer.BadParameter("is missing: without a service there is no default", param_hint="--save-path")


def start_and_follow(context: typer.Context, kind: str, request: Request, *, detach: bool) -> None:
    """Let the service work. Exits with the status of the work, or prints the ids of the tasks.

    Args:
        context: Of the command.
        kind: The kind of the task, or of all tasks of a batch.
        request: What to do, with absolute paths.
        detach: Whether the ids are enough.
    """
    from rfuav_ray.cli.printing import new_console
    from rfuav_ray.cli.run_config import given_fields
    from rfuav_ray.cli.watch import follow_tasks

    fields = given_fields(request)
    with open_client(context) as client:
        if isinstance(request, BatchInferenceRequest):
            task_ids = client.start_batch_inference(**fields)["task_ids"]
        else:
            task_ids = [client.start_task(kind, **fields)["task_id"]]
        if detach:
            print(*task_ids, sep="\n")
            return
        raise typer.Exit(follow_tasks(client, kind, task_ids, new_console()))
