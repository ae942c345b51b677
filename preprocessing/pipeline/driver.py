"""The Ray Data pipeline of all kinds of preprocessing: takes items, makes files and reports the progress.

Workers take items in blocks and write the files themselves. Only names and counts are transferred, so memory stays
constant except for the list of names, half a kilobyte per file.

A block returns one result, at its end. Ray repeats the block of a worker that died, and results returned before
would be counted twice or not at all. Until its end a block's progress is in a file in the run folder.
"""

import errno
import os
import pickle
import queue
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import ray
import ray.data
from ray.data import DataContext, TaskPoolStrategy
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)

from preprocessing.pipeline.blocks import in_blocks
from preprocessing.pipeline.output_folder import PROGRESS_SUFFIX, OutputFolder, Permit, RunOver
from rfuav_ray.errors import RunError, RunLost
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.machine.malloc_tuning import freed_memory_kept

#: interval at which a worker writes its progress, and at which the run reports it and can be stopped
TELL_EVERY_S = 0.25
MESSAGES_A_RUN = 20
SECONDS_BETWEEN_MESSAGES = 1.0
#: retries of a block whose worker died; by default Ray Data repeats a block that kills every worker for ever
BLOCK_RETRIES = 3
#: suffixes of data set ids: a cancelled data set may still be ending in this process when the next one starts
_places = cycle(range(4))
#: a worker or a node died, or objects were lost with it; a bug raises a RayTaskError with another cause
LOST_HELPERS = (
    WorkerCrashedError,
    OutOfMemoryError,
    NodeDiedError,
    LocalRayletDiedError,
    ObjectLostError,
    RayActorError,
)
#: failures that are named in the log; more are only counted
FAILURES_NAMED = 1000
#: errors that every further file would meet, too
NOTHING_CAN_BE_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}


@dataclass(frozen=True, slots=True)
class Item:
    """A unit of work: one file, or a part of a long recording."""

    #: the file, relative to the input
    source: str
    #: name of the output, relative to the output folder; each kind of preprocessing defines its meaning
    target: str
    #: for a recording: index of the first spectrogram, and the number of spectrograms
    first: int = 0
    count: int = 1


@dataclass(frozen=True)
class Work:
    """How to process an item. The functions are module-level ones or `partial`s of them: workers receive them."""

    #: the files an item becomes, relative to the output
    targets: Callable[[Item], Sequence[str]]
    #: makes these files in the folder; returns the number of unusable samples. Raises RunError for a bad source
    make: Callable[[Item, Path], int]
    #: most items in a block: some seconds of work, because failures are reported only at the end of a block
    largest_block: int


@dataclass(frozen=True)
class Workers:
    """How many Ray tasks work in parallel, and the CPUs that each of them requests from Ray."""

    count: int
    cpus_each: float


@dataclass
class Tally:
    done: int = 0
    #: number of the item and the reason
    failures: list[tuple[int, str]] = field(default_factory=list)
    #: number of the item and its samples that could not be used
    bad_samples: list[tuple[int, int]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.done += other.done
        self.failures += other.failures
        self.bad_samples += other.bad_samples

    @property
    def seen(self) -> int:
        return self.done + len(self.failures)


def make_files(
    items: Sequence[Item], work: Work, output: OutputFolder, *, noun: str, workers: Workers, report: Report
) -> Tally:
    """Make the missing files of all items. Failed items are named in the log and counted.

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
    teller = _Teller(items, noun, report)
    tally = Tally()
    stopping = threading.Event()
    results: queue.Queue[Tally | Exception | None] = queue.Queue()
    blocks = in_blocks(items, workers.count, work.largest_block)
    work_on = partial(_work_on, work, output.path, output.permit, output.trusts_files)
    arguments = (blocks, work_on, workers, results, stopping)
    # A thread, because waiting for Ray Data's next result has no time-out.
    threading.Thread(target=_collect, args=arguments, name="ray-data", daemon=True).start()
    try:
        while True:
            with suppress(queue.Empty):
                result = results.get(timeout=TELL_EVERY_S)
                if result is None:
                    return _complete(tally, items, output.path)
                if isinstance(result, Exception):
                    raise result
                tally.add(result)
                teller.name(result.failures)
            teller.tell(tally.seen + _seen_by_workers(output.permit))
    finally:
        stopping.set()


def _complete(tally: Tally, items: Sequence[Item], output_path: Path) -> Tally:
    if tally.seen != len(items):
        missing = len(items) - tally.seen
        raise RunError(f"{missing} of {len(items)} files were not made: does every node see '{output_path}'?")
    return tally


def failed(source: str, reason: str) -> RunEvent:
    return RunEvent(message=f"'{source}' is left out: {reason}", level="WARNING")


def _collect(
    blocks: list[bytes],
    work_on: Callable[[dict[str, Any]], dict[str, list[bytes]]],
    workers: Workers,
    results: "queue.Queue[Tally | Exception | None]",
    stopping: threading.Event,
) -> None:
    try:
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.enable_operator_progress_bars = False
        context.print_on_execution_start = False
        # With reservation Ray Data runs a single task until its autoscaler reports the resources, a second later.
        # It is not needed: `workers` sets the number of tasks, and their results take almost no memory.
        context.op_resource_reservation_enabled = False
        dataset = ray.data.from_items([{"items": block} for block in blocks], override_num_blocks=len(blocks))
        with warnings.catch_warnings():
            # Ray Data has no other way to pass `max_retries`, which is not one of its named parameters.
            warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
            dataset = dataset.map_batches(
                work_on,
                batch_size=None,
                num_cpus=workers.cpus_each,
                compute=TaskPoolStrategy(size=workers.count),
                max_retries=BLOCK_RETRIES,
            )
        # Ray's metrics keep an entry for each data set id for ever. Ids by worker process are fewer than by run.
        dataset._set_uuid(f"{ray.get_runtime_context().get_worker_id()}-{next(_places)}")
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
            for row in batch["results"]:
                results.put(_result(row))
            os.sync()  # the workers continue meanwhile, and less is left to flush at the end
            if stopping.is_set():
                return
        results.put(None)
    except Exception as error:  # any error of the pipeline ends the run, with the reason
        results.put(_explained(error))


def _explained(error: Exception) -> RunError | RunLost:
    if isinstance(error, RunError):
        return error
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(error, LOST_HELPERS) or isinstance(cause, LOST_HELPERS):
        return RunLost(f"Workers of the run died, {BLOCK_RETRIES + 1} times with the same files: {_gist(error)}")
    return RunError(f"the pipeline failed: {_gist(error)}")


def _result(row: bytes) -> Tally | RunError:
    result: Tally | RunError = pickle.loads(row)
    return result


def _work_on(
    work: Work, folder: Path, permit: Permit, trusts_files: bool, batch: dict[str, Any]
) -> dict[str, list[bytes]]:
    """In a worker: make the files of a block of items."""
    cv2.setNumThreads(1)  # the workers already run in parallel
    blocks = (pickle.loads(block) for block in batch["items"])
    with freed_memory_kept():
        results = [_work_on_block(work, folder, permit, trusts_files, items) for items in blocks]
    return {"results": [pickle.dumps(result) for result in results]}


def _work_on_block(
    work: Work, folder: Path, permit: Permit, trusts_files: bool, items: Sequence[tuple[int, Item]]
) -> Tally | RunError:
    tally, told_s = Tally(), time.monotonic()
    progress_file = permit.run_folder / f"{items[0][0]}{PROGRESS_SUFFIX}"
    try:
        for number, item in items:
            with permit.held():
                _make(work, number, item, folder, trusts_files, tally)
                if time.monotonic() - told_s >= TELL_EVERY_S:
                    told_s = time.monotonic()
                    progress_file.write_text(str(tally.seen))
        progress_file.unlink(missing_ok=True)
    except RunOver:
        pass  # the run has ended and ignores the result
    except OSError as error:
        return RunError(clean(f"'{error.filename or folder}' cannot be written: {error.strerror or error}."))
    except Exception as error:  # a bug: returned, because Ray Data would wrap the error in text of its own
        return RunError(clean(f"the pipeline failed: {type(error).__name__}: {error}"))
    return tally


def _seen_by_workers(permit: Permit) -> int:
    """The number of finished items in blocks that have not finished."""
    seen = 0
    for file in permit.run_folder.glob(f"*{PROGRESS_SUFFIX}"):
        with suppress(OSError, ValueError):  # removed, or being written
            seen += int(file.read_text())
    return seen


def _make(work: Work, number: int, item: Item, folder: Path, trusts_files: bool, tally: Tally) -> None:
    try:
        is_made = trusts_files and all((folder / name).exists() for name in work.targets(item))
        if not is_made:
            bad_samples = work.make(item, folder)
            if bad_samples:
                tally.bad_samples.append((number, bad_samples))
    except RunError as error:
        tally.failures.append((number, clean(str(error))))
    except OSError as error:
        if error.errno in NOTHING_CAN_BE_WRITTEN:
            raise
        tally.failures.append((number, f"{error.strerror or error}."))
    else:
        tally.done += 1


class _Teller:
    """Reports the failures and the progress of one run."""

    def __init__(self, items: Sequence[Item], noun: str, report: Report) -> None:
        self._items = items
        self._noun = noun
        self._report = report
        self._total = sum(item.count for item in items)
        self._share = 0.0
        self._told_s = time.monotonic()
        self._told_share = 0.0
        self._named = 0

    def name(self, failures: Sequence[tuple[int, str]]) -> None:
        for number, reason in failures[: max(0, FAILURES_NAMED - self._named)]:
            self._named += 1
            self._report(failed(self._items[number].source, reason))

    def tell(self, seen: int) -> None:
        # `seen` drops between the end of a block, which removes its progress file, and the arrival of its result.
        self._share = max(self._share, seen / len(self._items))
        is_due = time.monotonic() - self._told_s >= SECONDS_BETWEEN_MESSAGES
        message = ""
        if self._share > self._told_share and (
            self._share == 1 or (is_due and self._share - self._told_share >= 1 / MESSAGES_A_RUN)
        ):
            self._told_s, self._told_share = time.monotonic(), self._share
            message = f"{round(self._share * self._total)} of {self._total} {self._noun}."
        self._report(RunEvent(message=message, progress=100 * self._share))


def _gist(error: Exception) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
