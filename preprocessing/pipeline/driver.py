"""The Ray Data pipeline of every kind of preprocessing: items in, files out, told of as they are made.

Workers take items in blocks and write files themselves: only names and counts travel, so memory stays flat but for
the list of names, half a kilobyte a file. A block answers once, when it is done: Ray repeats the block of a worker
that died, and answers on the way would then be counted twice or not at all. How far it is, it notes in a file
beside the output.
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

#: how often a worker notes how far it is, and how often the run looks and asks whether it may go on
TELL_EVERY_S = 0.25
MESSAGES_A_RUN = 20
SECONDS_BETWEEN_MESSAGES = 1.0
#: how often a block is repeated whose worker died; Ray Data would repeat one that kills every worker for ever
BLOCK_RETRIES = 3
#: a data set that was cancelled may still be ending in this process when the next one begins
_places = cycle(range(4))
#: a worker or a node died, or took with it what others needed; a bug comes as a RayTaskError with another cause
LOST_HELPERS = (
    WorkerCrashedError,
    OutOfMemoryError,
    NodeDiedError,
    LocalRayletDiedError,
    ObjectLostError,
    RayActorError,
)
#: what is named in the log; more are counted
FAILURES_NAMED = 1000
#: the next file would fare no better
NOTHING_CAN_BE_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}


@dataclass(frozen=True, slots=True)
class Item:
    """A unit of work: one file, or a part of a long recording."""

    #: the file, relative to the input
    source: str
    #: what is made of it, relative to the output; its meaning is the kind's
    target: str
    #: of a recording: the first picture, and how many
    first: int = 0
    count: int = 1


@dataclass(frozen=True)
class Work:
    """What is done with an item. Functions of a module or `partial`s of them: they travel to the workers."""

    #: the files an item becomes, relative to the output
    targets: Callable[[Item], Sequence[str]]
    #: make them in the folder; returns how many samples could not be used. Raises RunError for a bad source
    make: Callable[[Item, Path], int]
    #: items that a worker takes at once: some seconds of work, after which it tells what failed
    largest_block: int


@dataclass(frozen=True)
class Workers:
    """How many Ray tasks work at once, and the CPUs that each counts for in Ray's books."""

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
    """Make the files of all items that are not there yet. Failed items are named in the log and counted.

    Raises RunError when nothing can be written, RunLost when workers died too often, and whatever `report` raises.
    """
    teller = _Teller(items, noun, report)
    tally = Tally()
    stopping = threading.Event()
    results: queue.Queue[Tally | Exception | None] = queue.Queue()
    blocks = in_blocks(items, workers.count, work.largest_block)
    work_on = partial(_work_on, work, output.path, output.permit, output.trusts_files)
    arguments = (blocks, work_on, workers, results, stopping)
    # A thread, because Ray Data cannot be asked for the next result with a time-out.
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
        # Else it lets one task run until its autoscaler has said, a second later, what there is. `workers` says
        # how many work; only counts and reasons come back from them, so there is no memory to share out.
        context.op_resource_reservation_enabled = False
        dataset = ray.data.from_items([{"items": block} for block in blocks], override_num_blocks=len(blocks))
        with warnings.catch_warnings():
            # Ray Data has no other way to say it: `max_retries` is not one of its named parameters.
            warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
            dataset = dataset.map_batches(
                work_on,
                batch_size=None,
                num_cpus=workers.cpus_each,
                compute=TaskPoolStrategy(size=workers.count),
                max_retries=BLOCK_RETRIES,
            )
        # Ray's metrics keep what they know of a data set for ever, by its id; workers are fewer than runs.
        dataset._set_uuid(f"{ray.get_runtime_context().get_worker_id()}-{next(_places)}")
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
            for row in batch["results"]:
                results.put(_result(row))
            os.sync()  # the workers go on meanwhile, and less is left for the end
            if stopping.is_set():
                return
        results.put(None)
    except Exception as error:  # whatever ends the pipeline ends the run, with the reason
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
    cv2.setNumThreads(1)  # the workers are the parallelism
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
        pass  # nobody waits for the result
    except OSError as error:
        return RunError(clean(f"'{error.filename or folder}' cannot be written: {error.strerror or error}."))
    except Exception as error:  # a bug: told here, because Ray Data would put its own words around it
        return RunError(clean(f"the pipeline failed: {type(error).__name__}: {error}"))
    return tally


def _seen_by_workers(permit: Permit) -> int:
    """Items of blocks that are not done yet."""
    seen = 0
    for file in permit.run_folder.glob(f"*{PROGRESS_SUFFIX}"):
        with suppress(OSError, ValueError):  # gone, or just being written
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
    """The log and the progress of one run."""

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
        # Between a block's last note and its answer it looks as if something were undone.
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
