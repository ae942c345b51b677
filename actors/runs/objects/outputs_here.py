"""Writes the results of a run to a bucket, when all of them are on its node."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from actors.runs.objects.inputs_here import errors_with_urls, opening_also
from actors.runs.spec import RunSpec
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.results import RunPlace
from rfuav_ray.errors import RunError, RunInterrupted, RunLost
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.objects.scratch import scratch
from rfuav_ray.objects.shown import shown, shown_as
from rfuav_ray.objects.uploading import Destination
from rfuav_ray.objects.urls import ObjectUrl, allowed_url
from rfuav_ray.outputs.added_files import added_files
from rfuav_ray.outputs.artifacts import TRAINING_FILES
from rfuav_ray.outputs.manifest import RUN_FOLDER, read_run

#: what others wait for comes last
WEIGHTS = (TRAINING_FILES["last_model"], TRAINING_FILES["best_model"])
#: a disk with less is full
FULL_BYTES = 1_000_000


@contextmanager
def outputs_here(spec: RunSpec, report: Report, note: Report, place: RunPlace) -> Iterator[RunSpec]:
    """A block at whose end the results of the run are in the bucket that its request names, if it names one.

    Args:
        spec: The run.
        report: Receives the progress. It may raise to stop.
        note: Receives what is left of a run that was stopped. Never raises.
        place: Where the run is.

    Yields:
        The run, with a folder of this node in its request. A run that fails leaves no object.

    Raises:
        RunError: The prefix holds objects of others, or cannot be written.
        Exception: Whatever `report` raises.
    """
    if (url := KINDS[spec.kind].output_url(spec.request)) is not None:
        with _made_here(spec, allowed_url(url, spec.objects.roots, "output_path"), report, note, place) as here:
            yield here
    elif copy_to := spec.request.get("copy_to"):
        prefix = allowed_url(copy_to, spec.objects.roots, "copy_to")
        with _copied(spec, ObjectUrl(f"{prefix.key}/{spec.task_id}"), report, note):
            yield spec
    else:
        yield spec


@contextmanager
def _made_here(spec: RunSpec, url: ObjectUrl, report: Report, note: Report, place: RunPlace) -> Iterator[RunSpec]:
    cache_dir = spec.objects.cache_dir
    with scratch(cache_dir, spec.task_id, report) as around, _discarding(spec, url, report, note) as destination:
        folder = around / url.name
        with shown_as({str(folder): str(url)}), errors_with_urls(), opening_also(around, spec) as roots:
            request = spec.request | {"output_path": str(folder)}
            try:
                yield replace(spec, request=request, data_roots=roots, worker_nodes=(place["node_id"],))
            except (RunError, OSError) as error:
                if shutil.disk_usage(cache_dir).free < FULL_BYTES:
                    raise RunError(f"{error} The disk of CACHE_DIR ('{cache_dir}') is full.") from error
                raise
            destination.upload(folder, _files_below(folder))
            run = read_run(folder)
            destination.complete(shown(run and run["result"]))


@contextmanager
def _copied(spec: RunSpec, url: ObjectUrl, report: Report, note: Report) -> Iterator[None]:
    kind, folder = KINDS[spec.kind], KINDS[spec.kind].output_folder(spec.request)
    with _discarding(spec, url, report, note) as destination:
        yield
        try:
            added = [Path(name) for name in added_files(folder, spec.kind)]
            files = [name for one in added for name in _files_below(folder, one)]
            names = [*(name for name in kind.artifacts if (folder / name).is_file()), *files]
            destination.upload(folder, names, [name for name in WEIGHTS if name in names])
            destination.complete(None)
        except RunError as error:
            raise RunError(f"{error} All results are in '{folder}'.") from None


@contextmanager
def _discarding(spec: RunSpec, url: ObjectUrl, report: Report, note: Report) -> Iterator[Destination]:
    """A block at whose beginning the prefix is marked. If the run fails in it, its objects go."""
    destination = Destination(url, spec.task_id, report)
    destination.begin(is_first=spec.attempt == 1)
    try:
        yield destination
    except (RunInterrupted, RunLost):
        raise
    except Exception:
        # What an earlier run has written is not known any more: then the prefix stays marked as unfinished.
        if left := destination.discard(keep_mark=spec.attempt > 1):
            message = (
                f"{left} objects below '{url}' could not be deleted. It stays marked as unfinished: delete it."
            )
            note(RunEvent(message=clean(message), level="WARNING"))
        raise


def _files_below(folder: Path, inside: Path = Path()) -> Sequence[str]:
    """The files of a run, relative to its folder."""
    start = folder / inside
    files = [start] if start.is_file() else sorted(start.rglob("*"))
    names = [file.relative_to(folder) for file in files if file.is_file() and not file.is_symlink()]
    return [str(name) for name in names if name.parts[0] != RUN_FOLDER]
