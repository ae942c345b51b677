"""A command for each preprocessing kind. INPUT and OUTPUT may come from the --config file, too."""
# ruff: noqa: PLC0415

from typing import Any

import typer

from rfuav_ray.api.kinds import PREPROCESSING_KINDS, Kind
from rfuav_ray.cli.app import Config, Detach, Root, app, where_paths_start, wrong_usage
from rfuav_ray.cli.commands.starting import start_and_follow
from rfuav_ray.cli.request_flags import with_fields


def add_command(kind: Kind) -> None:
    """Add the command that starts a task of this kind and follows it to its end."""

    def start(
        context: typer.Context,
        config: Config = None,
        root: Root = None,
        detach: Detach = False,
        **_fields: Any,
    ) -> None:
        from rfuav_ray.cli.printing import new_console
        from rfuav_ray.cli.run_config import request_of

        preprocess = context.obj.start.preprocess if context.obj.works_here else None
        if detach and preprocess is not None:
            raise typer.BadParameter("--detach needs a service: name it with --url or RFUAV_URL")
        with wrong_usage():
            request = request_of(kind, config, context.params, where_paths_start(context, root))
        if preprocess is not None:
            from rfuav_ray.cli.local.preprocessing import preprocess_here

            raise typer.Exit(preprocess_here(kind, request, new_console(), preprocess))
        start_and_follow(context, kind.name, request, detach=detach)

    places = {
        kind.input_field: "DATASET" if kind.input_field == "dataset_path" else "INPUT",
        "output_path": "OUTPUT",
    }
    made = with_fields(kind.request, arguments=places, flags={"methods": "--method"})(start)
    app.command(kind.name, help=kind.summary)(made)


for one in PREPROCESSING_KINDS:
    if one.has_workers:
        add_command(one)
