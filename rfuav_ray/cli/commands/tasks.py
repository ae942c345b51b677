"""`rfuav tasks` and `rfuav tasks prune`: listing tasks, and deleting old ones."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

from rfuav_ray.api.kinds import KINDS, lists
from rfuav_ray.cli.app import app, open_client

tasks_app = typer.Typer()
app.add_typer(tasks_app, name="tasks")


@tasks_app.callback(invoke_without_command=True)
def tasks(
    context: typer.Context,
    status: Annotated[str | None, typer.Option(help="pending, running, completed, failed or cancelled.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help=f"One of {', '.join(KINDS)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of tasks, newest first.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")] = False,
) -> None:
    """List the tasks, newest first."""
    if context.invoked_subcommand is not None:
        return
    from rfuav_ray.cli.printing import new_console, newest_first, tasks_table

    with open_client(context) as client:
        answer = client.get_all_tasks(status=status, task_type=kind, limit=limit)
    if as_json:
        import json

        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    console = new_console()
    found = newest_first(answer)
    console.print(tasks_table(console, found) if found else "No task matches.")
    total = sum(answer.get(f"total_{name}", 0) for name in lists())
    if total > len(found):
        console.print(f"{len(found)} of {total}; --limit shows more.")


@tasks_app.command()
def prune(
    context: typer.Context,
    older_than_days: Annotated[float, typer.Option(min=0, help="Minimum days since the end of a task.")] = 30,
    status: Annotated[
        str | None, typer.Option(help="Delete only completed, failed or cancelled tasks. Default: all three.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the tasks.")] = False,
) -> None:
    """Delete the records and logs of ended tasks. Keeps the files that the tasks wrote."""
    from rfuav_ray.cli.prune import forget, old_tasks
    from rfuav_ray.tasks import ENDED_STATUSES

    if status is not None and status not in ENDED_STATUSES:
        raise typer.BadParameter(f"'{status}' must be one of {', '.join(ENDED_STATUSES)}", param_hint="--status")
    with open_client(context) as client:
        task_ids = old_tasks(client, ENDED_STATUSES if status is None else (status,), older_than_days)
        if not dry_run:
            forget(client, task_ids)
    what = "would be deleted" if dry_run else "deleted; their files stay"
    print(f"{len(task_ids)} tasks that ended more than {older_than_days:g} days ago {what}.")
