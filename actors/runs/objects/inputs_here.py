"""Brings the inputs of a run that are in buckets to its node, before the run's function begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from actors.runs.spec import RunSpec
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.results import RunPlace
from rfuav_ray.errors import InvalidInput, RfuavError
from rfuav_ray.events import Report
from rfuav_ray.file_access.roots import confine, within
from rfuav_ray.objects.shown import shown, shown_as
from rfuav_ray.objects.staging import WORKER, staged


@contextmanager
def inputs_here(spec: RunSpec, report: Report, place: RunPlace) -> Iterator[RunSpec]:
    """A block in which the run finds all of its inputs on its node.

    Yields:
        The run, with local paths in its request. Its workers stay on this node, which has the copies. Errors
        that leave the block name objects by their URLs.

    Raises:
        RunError: An object cannot be copied, or they do not fit into the cache.
        Exception: Whatever `report` raises.
    """
    urls = KINDS[spec.kind].input_urls(spec.request)
    if not urls:
        yield spec
        return
    # Workers of one training may be on one node. Each has links of its own to the same copies.
    name = f"{spec.task_id}{WORKER}{spec.rank}" if spec.rank else spec.task_id
    with staged(urls, name, spec.objects, report) as here, shown_as(here.names), errors_with_urls():
        request: dict[str, Any] = spec.request | dict(here.paths)
        with opening_also(here.folder, spec) as roots:
            yield replace(spec, request=request, data_roots=roots, worker_nodes=(place["node_id"],))


@contextmanager
def opening_also(folder: Path, spec: RunSpec) -> Iterator[tuple[Path, ...]]:
    """A block in which this process also opens files in a folder of the cache. Yields its roots."""
    roots = (*spec.data_roots, folder) if spec.data_roots else ()
    with within(roots):
        # The copies themselves stay the service's own: no request leads to those of other runs.
        cache = spec.objects.cache_dir
        own = [path for path in spec.private_paths if path not in (cache, cache.resolve())]
        confine(private=[*own, cache / "objects"])
        yield roots


@contextmanager
def errors_with_urls() -> Iterator[None]:
    """A block whose errors name objects by their URLs, not by their local copies."""
    try:
        yield
    except InvalidInput as error:
        raise type(error)(error.field, shown(error.reason)) from error
    except RfuavError as error:
        raise type(error)(*map(shown, error.args)) from error
    except OSError as error:
        if error.filename is not None:
            error.filename = shown(str(error.filename))
        raise
