"""Preprocessing that this process starts itself, without a service. The pipelines are its starter's."""

from pathlib import Path

from rich.console import Console

from rfuav_ray.api.kinds import Kind
from rfuav_ray.api.requests import Request
from rfuav_ray.cli.local.start import Preprocess
from rfuav_ray.cli.local.work import LocalWork
from rfuav_ray.cli.printing import print_preprocessing


def preprocess_here(kind: Kind, request: Request, console: Console, preprocess: Preprocess) -> int:
    """Make the files, print the counts, and return the exit status.

    It goes on where an earlier call of the same request was stopped: the pipeline sees that in the output folder.
    """
    with LocalWork(console, f"{kind.name} {Path(getattr(request, kind.input_field)).name}") as work:
        result = preprocess(kind.name, request, work.report)
    return work.ended(lambda: print_preprocessing(console, result))
