"""The worker's side of the pipeline: makes the files of a block of items, and stores its progress in a file.

Only names and counts are transferred between processes. Workers write the files themselves.
"""

import errno
import pickle
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from preprocessing.pipeline.output_folder import PROGRESS_SUFFIX, Permit, PermitRevoked
from rfuav_ray.errors import RunError
from rfuav_ray.events import clean
from rfuav_ray.machine.malloc_tuning import freed_memory_kept

#: interval at which a worker writes its progress
NOTE_EVERY_S = 0.25
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


def one_target(item: Item) -> list[str]:
    """The `targets` of items that become one file each."""
    return [item.target]


@dataclass
class BlockResult:
    """The outcome of the items of one or more blocks."""

    done: int = 0
    #: number of the item and the reason
    failures: list[tuple[int, str]] = field(default_factory=list)
    #: number of the item and its samples that could not be used
    bad_samples: list[tuple[int, int]] = field(default_factory=list)

    def add(self, other: "BlockResult") -> None:
        self.done += other.done
        self.failures += other.failures
        self.bad_samples += other.bad_samples

    @property
    def seen(self) -> int:
        return self.done + len(self.failures)


def work_on(
    work: Work, folder: Path, permit: Permit, trusts_files: bool, batch: dict[str, Any]
) -> dict[str, list[bytes]]:
    """Make the files of blocks of items. Runs in a worker.

    Args:
        work: How to process an item.
        folder: The output folder.
        permit: The run's permit to write.
        trusts_files: Whether existing files are complete and need not be made again.
        batch: Pickled blocks under `items`.

    Returns:
        Under `results`, a pickled BlockResult or RunError for each block.
    """
    cv2.setNumThreads(1)  # the workers already run in parallel
    blocks = (pickle.loads(block) for block in batch["items"])
    with freed_memory_kept():
        results = [_work_on_block(work, folder, permit, trusts_files, items) for items in blocks]
    return {"results": [pickle.dumps(result) for result in results]}


def _work_on_block(
    work: Work, folder: Path, permit: Permit, trusts_files: bool, items: Sequence[tuple[int, Item]]
) -> BlockResult | RunError:
    result, noted_s = BlockResult(), time.monotonic()
    progress_file = permit.run_folder / f"{items[0][0]}{PROGRESS_SUFFIX}"
    try:
        for number, item in items:
            with permit.held():
                _make(work, number, item, folder, trusts_files, result)
                if time.monotonic() - noted_s >= NOTE_EVERY_S:
                    noted_s = time.monotonic()
                    progress_file.write_text(str(result.seen))
        progress_file.unlink(missing_ok=True)
    except PermitRevoked:
        pass  # the run has ended and ignores the result
    except OSError as error:
        return RunError(clean(f"'{error.filename or folder}' cannot be written: {error.strerror or error}."))
    except Exception as error:  # a bug: returned, because Ray Data would wrap the error in text of its own
        return RunError(clean(f"the pipeline failed: {type(error).__name__}: {error}"))
    return result


def seen_by_workers(permit: Permit) -> int:
    """The number of finished items in blocks that have not finished."""
    seen = 0
    for file in permit.run_folder.glob(f"*{PROGRESS_SUFFIX}"):
        with suppress(OSError, ValueError):  # removed, or being written
            seen += int(file.read_text())
    return seen


def _make(work: Work, number: int, item: Item, folder: Path, trusts_files: bool, result: BlockResult) -> None:
    try:
        is_made = trusts_files and all((folder / name).exists() for name in work.targets(item))
        if not is_made:
            bad_samples = work.make(item, folder)
            if bad_samples:
                result.bad_samples.append((number, bad_samples))
    except RunError as error:
        result.failures.append((number, clean(str(error))))
    except OSError as error:
        if error.errno in NOTHING_CAN_BE_WRITTEN:
            raise
        result.failures.append((number, f"{error.strerror or error}."))
    else:
        result.done += 1
