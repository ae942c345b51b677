"""Preprocessing without a service: this process connects to Ray and is the driver of the pipeline itself."""

import logging
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray

from actors.ray_internals import session
from actors.runs.runner import pipeline_of
from preprocessing.checks import check_preprocessing
from preprocessing.pipeline.driver import COLLECTOR, Workers
from rfuav_ray.api.results import PreprocessingResult
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent

COLLECTOR_ENDS_WITHIN_S = 10.0


def preprocess(kind: str, request: Any, report: Report) -> PreprocessingResult:
    """Check a request of this kind and do it, on the cluster of RAY_ADDRESS or on a Ray that starts for it.

    Args:
        kind: The kind of preprocessing.
        request: The request, with absolute paths.
        report: Receives the events. It may raise RunInterrupted to stop the run; the next call resumes it.

    Raises:
        InvalidInput: The request cannot work.
        RunError: The run failed, or Ray cannot be reached.
        RunLost: Workers died too often.
        Exception: Whatever `report` raises.
    """
    checked = check_preprocessing(request, roots=[Path("/")])
    with _ray(report):
        # Others of the cluster may hold some of them. Then there are fewer workers at first.
        workers = Workers(max(1, int(ray.cluster_resources().get("CPU", 0))), 1.0)
        # Each call is a run of its own. An unfinished folder is resumed by the request that it notes.
        run_id = f"local-{uuid.uuid4().hex}"
        pipeline = pipeline_of(kind)
        logging.getLogger("ray.data").setLevel(logging.WARNING)  # after its import, which sets it, too
        result: PreprocessingResult = pipeline.run(checked, run_id=run_id, workers=workers, report=report)
        return result


@contextmanager
def _ray(report: Report) -> Iterator[None]:
    address = os.environ.get("RAY_ADDRESS", "local")
    if address == "local":
        report(RunEvent(message="Starting Ray for this call; it takes about 10 seconds."))
    options = session.private_options() if address == "local" else {}
    # Ray takes SIGTERM for itself and ends the process with another status.
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**options, address=address, log_to_driver=False, logging_level="WARNING")
    except Exception as error:  # Ray has no exception class for a failed start.
        raise RunError(f"Ray cannot be reached at '{address}': {' '.join(str(error).split())}") from error
    finally:
        signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        _end_of_collector()
        ray.shutdown()


def _end_of_collector() -> None:
    """Wait for the thread of a stopped run. Without Ray below it, it would start another Ray."""
    for thread in threading.enumerate():
        if thread.name == COLLECTOR:
            thread.join(COLLECTOR_ENDS_WITHIN_S)
