"""Shared by the preprocessing benchmarks: a separate Ray, and the duration of a run in it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray

from actors.ray_internals import variables
from preprocessing.pipeline.driver import Workers
from rfuav_ray.api.results import PreprocessingResult


@contextmanager
def workers() -> Iterator[Workers]:
    """Start Ray with one worker on each core, as in the service when nothing else runs."""
    with variables.environment(variables.OF_SERVICE):
        ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield Workers(count=os.cpu_count() or 1, cpus_each=1)
    finally:
        ray.shutdown()


def run_s(run: Callable[..., PreprocessingResult], request: Any, on: Workers) -> float:
    """Return the seconds that a `run` function of preprocessing/ takes. No image may fail."""
    started_s = time.perf_counter()
    result = run(request, run_id="benchmark", workers=on)
    assert result["stats"]["failed"] == 0
    return time.perf_counter() - started_s
