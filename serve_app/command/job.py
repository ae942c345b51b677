"""`python -m rfuav_ray`: the commands of `rfuav`, done in this process unless a service is named.

It is the entry point of a Ray job. `rfuav_ray` knows no Ray, so this module tells it where it was started.
"""
# ruff: noqa: PLC0415

import os
from typing import Any, NoReturn

from actors.ray_internals import jobs, variables
from rfuav_ray.cli import main as run_commands
from rfuav_ray.cli.local.start import Start
from rfuav_ray.events import Report
from serve_app.command import console

__all__ = ["console", "main"]  # importing the console script adds `serve`


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit. Exit status: as of `rfuav_ray.cli.main`."""
    start = Start(
        works_here=True,
        is_ray_job=jobs.is_job(),
        may_use_gpus=jobs.may_use_gpus(),
        preprocess=_preprocess,
    )
    run_commands(arguments, start=start, name="python -m rfuav_ray")


def _preprocess(kind: str, request: Any, report: Report) -> dict[str, Any]:
    if "RAY_ADDRESS" not in os.environ:
        os.environ |= variables.ON_LOOPBACK  # before Ray is imported
    from actors.runs.without_service import preprocess

    return dict(preprocess(kind, request, report))


if __name__ == "__main__":
    main()
