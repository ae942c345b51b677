"""The Ray Data pipeline of all kinds of preprocessing: takes items, makes files and reports the progress.

Workers take items in blocks and write the files themselves. Only names and counts are transferred, so memory stays
constant except for the list of names, half a kilobyte per file.

A block is answered in parts. What the answers name is flushed to the disk and then noted in the manifest.
"""

import os
import pickle
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ray
import ray.data
from ray.data import TaskPoolStrategy
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)

from preprocessing.pipeline import ray_data_internals
from preprocessing.pipeline.blocks import in_blocks
from preprocessing.pipeline.output_folder import OutputFolder
from preprocessing.pipeline.progress import ProgressReporter
from preprocessing.pipeline.worker import BlockResult, Item, Work, work_on
from rfuav_ray.errors import RunError, RunLost
from rfuav_ray.events import Report
from rfuav_ray.file_access.roots import private_paths, roots_of_process
from rfuav_ray.outputs.manifest import Finished

#: the thread that waits for Ray Data; it ends a moment after its run
COLLECTOR = "ray-data"
#: interval at which the run reports its progress and can be stopped
REPORT_EVERY_S = 0.25
#: retries of a block whose worker died; by default Ray Data repeats a block that kills every worker for ever
BLOCK_RETRIES = 3
#: interval at which finished files are flushed to the disk and noted
FLUSH_EVERY_S = 1.0
#: a label that Ray gives to each node: its id
NODE_LABEL = "ray.io/node-id"
#: a worker or a node died, or objects were lost with it; a bug raises a RayTaskError with another cause
WORKER_LOSS_ERRORS = (
    WorkerCrashedError,
    OutOfMemoryError,
    NodeDiedError,
    LocalRayletDiedError,
    ObjectLostError,
    RayActorError,
)

#: takes a batch of blocks, yields answers
Make = Callable[[dict[str, Any]], Iterator[dict[str, list[bytes]]]]


@dataclass(frozen=True)
class Workers:
    """The Ray tasks that work in parallel."""

    count: int
    #: the CPUs that each of them requests from Ray
    cpus_each: float
    #: what surrounds the work on a block in its worker. Gets Ray's id of the worker's node
    around: Callable[[str], AbstractContextManager[None]] = nullcontext  # type: ignore[assignment]  # takes any argument
    #: Ray's ids of the nodes where they may be; empty for all nodes
    nodes: Sequence[str] = ()


def make_files(
    items: Sequence[Item], work: Work, output: OutputFolder, *, noun: str, workers: Workers, report: Report
) -> BlockResult:
    """Make the files of all items, without those that an earlier run has made. Failed items are named and counted.

    Args:
        items: The items; failures refer to them by their position.
        work: How to process an item.
        output: The folder, which this run has entered.
        noun: The plural that progress messages use for the items' units.
        workers: The parallelism.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the run.

    Raises:
        RunError: Nothing can be written, or the pipeline failed.
        RunLost: Workers died too often.
        Exception: Whatever `report` raises.
    """
    reporter = ProgressReporter(items, noun, report)
    total = BlockResult()
    stopping = threading.Event()
    results: queue.Queue[BlockResult | Exception | None] = queue.Queue()
    known = [(item, output.finished.get(number)) for number, item in enumerate(items)]
    blocks = in_blocks(known, workers.count, work.largest_block)
    make = partial(
        _flushing,
        partial(work_on, work, output.path, output.permit, (roots_of_process(), private_paths())),
        workers.around,
        ray.get_runtime_context().get_node_id(),
    )
    arguments = (blocks, make, workers, output, results, stopping)
    # A thread, because waiting for Ray Data's next result has no time-out.
    threading.Thread(target=_collect, args=arguments, name=COLLECTOR, daemon=True).start()
    try:
        while True:
            with suppress(queue.Empty):
                result = results.get(timeout=REPORT_EVERY_S)
                if result is None:
                    return _complete(total, items, output.path)
                if isinstance(result, Exception):
                    raise result
                total.add(result)
                reporter.name_failures(result.failures)
            reporter.report(total.seen)
    finally:
        stopping.set()


def _complete(total: BlockResult, items: Sequence[Item], output_path: Path) -> BlockResult:
    if total.seen != len(items):
        missing = len(items) - total.seen
        raise RunError(f"{missing} of {len(items)} files were not written: does every node see '{output_path}'?")
    return total


def _flushing(
    make: Make,
    around: Callable[[str], AbstractContextManager[None]],
    driver_node: str,
    batch: dict[str, Any],
) -> Iterator[dict[str, list[bytes]]]:
    """Runs in a worker. On another node than the driver's it flushes its files, as the driver cannot."""
    node_id = ray.get_runtime_context().get_node_id()
    with around(node_id):
        for answer in make(batch):
            if node_id != driver_node:
                os.sync()
            yield answer


def _collect(
    blocks: list[bytes],
    make: Make,
    workers: Workers,
    output: OutputFolder,
    results: "queue.Queue[BlockResult | Exception | None]",
    stopping: threading.Event,
) -> None:
    try:
        ray_data_internals.prepare()
        dataset = ray.data.from_items([{"items": block} for block in blocks], override_num_blocks=len(blocks))
        with warnings.catch_warnings():
            # Ray Data has no other way to pass `max_retries`, which is not one of its named parameters.
            warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
            dataset = dataset.map_batches(
                make,
                batch_size=None,
                num_cpus=workers.cpus_each,
                compute=TaskPoolStrategy(size=workers.count),
                label_selector={NODE_LABEL: f"in({','.join(workers.nodes)})"} if workers.nodes else None,
                max_retries=BLOCK_RETRIES,
            )
        ray_data_internals.reuse_metrics(dataset)
        finished: list[tuple[int, Finished]] = []
        flushed_s = time.monotonic()
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
            for row in batch["results"]:
                results.put(result := _result(row))
                if isinstance(result, BlockResult):
                    finished += result.finished
            if stopping.is_set():
                return
            if time.monotonic() - flushed_s >= FLUSH_EVERY_S:
                os.sync()  # the workers continue meanwhile
                output.note_finished(finished)
                finished, flushed_s = [], time.monotonic()
        results.put(None)
    except Exception as error:  # any error of the pipeline ends the run, with the reason
        results.put(_explained(error))


def _explained(error: Exception) -> RunError | RunLost:
    if isinstance(error, RunError):
        return error
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(error, WORKER_LOSS_ERRORS) or isinstance(cause, WORKER_LOSS_ERRORS):
        return RunLost(f"Workers died {BLOCK_RETRIES + 1} times on the same files: {_last_line(error)}")
    return RunError(f"the pipeline failed: {_last_line(error)}")


def _result(row: bytes) -> BlockResult | RunError:
    result: BlockResult | RunError = pickle.loads(row)
    return result


def _last_line(error: Exception) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
