"""The worker's side of the pipeline: makes the files of a block of items.

Only names and counts are transferred between processes. Workers write the files themselves.
"""

import errno
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from preprocessing.pipeline.output_folder import Permit, PermitRevoked
from rfuav_ray.errors import RfuavError, RunError
from rfuav_ray.events import clean
from rfuav_ray.file_access.folders import remove_file
from rfuav_ray.file_access.limits import MAX_IMAGE_BYTES
from rfuav_ray.file_access.roots import confine
from rfuav_ray.files import content_digest
from rfuav_ray.machine.malloc_tuning import freed_memory_kept
from rfuav_ray.outputs.manifest import Finished

#: the largest blocks are answered in this many parts
PARTS_PER_BLOCK = 16
#: errors that every further file would meet, too
NOTHING_CAN_BE_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}


#: of the files that are being made
_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)


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
    #: for a recording: the number of the changed copy of it; 0: it is drawn unchanged
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Doubtful:
    """What is doubtful about the files of an item."""

    #: samples that could not be used
    bad_samples: int = 0
    #: spectrograms that show nothing
    one_color: int = 0


@dataclass(frozen=True)
class Work:
    """How to process an item. The functions are module-level ones or `partial`s of them: workers receive them."""

    #: the files an item becomes, relative to the output
    targets: Callable[[Item], Sequence[str]]
    #: makes these files in the folder. Raises RunError for a bad source
    make: Callable[[Item, Path], Doubtful]
    #: digest of the contents that an item is made from; empty, or raises RfuavError, if they cannot be read
    inputs: Callable[[Item], str]
    #: most items in a block: some seconds of work
    largest_block: int


def check_permit() -> None:
    """Raise PermitRevoked if the run whose files this worker makes has ended. Long work calls it now and then."""
    permit = _permit.get()
    if permit is not None:
        permit.check()


@contextmanager
def _under(permit: Permit) -> Iterator[None]:
    token = _permit.set(permit)
    try:
        yield
    finally:
        _permit.reset(token)


def one_target(item: Item) -> list[str]:
    """The `targets` of items that become one file each."""
    return [item.target]


def source_digest(item: Item, *, source: Path) -> str:
    """The `inputs` of items that are made from one image each."""
    return content_digest(source / item.source, largest_bytes=MAX_IMAGE_BYTES)


@dataclass
class BlockResult:
    """The outcome of some items."""

    done: int = 0
    #: number of the item and the reason
    failures: list[tuple[int, str]] = field(default_factory=list)
    #: number of the item and its samples that could not be used
    bad_samples: list[tuple[int, int]] = field(default_factory=list)
    #: number of the item and its spectrograms of one colour
    one_color: list[tuple[int, int]] = field(default_factory=list)
    #: how many images an earlier run had made from other contents
    changed: int = 0
    #: number of the item and its outcome, if this run made it; not in a sum
    finished: list[tuple[int, Finished]] = field(default_factory=list)

    def add(self, other: "BlockResult") -> None:
        self.done += other.done
        self.failures += other.failures
        self.bad_samples += other.bad_samples
        self.one_color += other.one_color
        self.changed += other.changed

    @property
    def seen(self) -> int:
        return self.done + len(self.failures)


def work_on(
    work: Work, folder: Path, permit: Permit, confinement: Sequence[Sequence[Path]], batch: dict[str, Any]
) -> Iterator[dict[str, list[bytes]]]:
    """Make the files of blocks of items. Runs in a worker.

    Args:
        work: How to process an item.
        folder: The output folder.
        permit: The run's permit to write.
        confinement: The arguments of `confine`. None: the worker opens files anywhere.
        batch: Pickled blocks under `items`: numbers with items and what an earlier run made of them.

    Yields:
        Under `results`, a pickled BlockResult or RunError for each part of a block. A part is a fixed number of
        items: if a worker dies, Ray repeats the block and drops as many answers as it has already received.
    """
    confine(*confinement)
    cv2.setNumThreads(1)  # the workers already run in parallel
    size = max(1, work.largest_block // PARTS_PER_BLOCK)
    with freed_memory_kept():
        for items in map(pickle.loads, batch["items"]):
            for start in range(0, len(items), size):
                yield {"results": [pickle.dumps(_work_on_part(work, folder, permit, items[start : start + size]))]}


def _work_on_part(
    work: Work, folder: Path, permit: Permit, items: Sequence[tuple[int, tuple[Item, Finished | None]]]
) -> BlockResult | RunError:
    result = BlockResult()
    try:
        for number, (item, before) in items:
            with permit.held(), _under(permit):
                _finish(work, number, item, before, folder, result)
    except PermitRevoked:
        pass  # the run has ended and ignores the result
    except OSError as error:
        return RunError(clean(f"'{error.filename or folder}' cannot be written: {error.strerror or error}."))
    except Exception as error:  # a bug: returned, because Ray Data would wrap the error in text of its own
        return RunError(clean(f"the pipeline failed: {type(error).__name__}: {error}"))
    return result


def _finish(
    work: Work, number: int, item: Item, before: Finished | None, folder: Path, result: BlockResult
) -> None:
    """Make the item's files, unless an earlier run has made them from the same contents, and count its outcome."""
    # Before the files are made: a change in between then shows as a change.
    inputs = _inputs(work, item)
    is_changed = before is not None and inputs != before.inputs
    if before and inputs and not is_changed and (before.failure or _exist(folder, work.targets(item))):
        outcome = before
    else:
        outcome = _make(work, item, folder, inputs)
        result.finished.append((number, outcome))
        result.changed += item.count * is_changed
    if outcome.failure is None:
        result.done += 1
    else:
        result.failures.append((number, outcome.failure))
    if outcome.bad_samples:
        result.bad_samples.append((number, outcome.bad_samples))
    if outcome.one_color:
        result.one_color.append((number, outcome.one_color))


def _inputs(work: Work, item: Item) -> str:
    try:
        return work.inputs(item)
    except RfuavError:  # `make` says why
        return ""


def _exist(folder: Path, names: Sequence[str]) -> bool:
    """Whether all are files. A link is none: no run makes one."""
    return all((folder / name).is_file() and not (folder / name).is_symlink() for name in names)


def _make(work: Work, item: Item, folder: Path, inputs: str) -> Finished:
    try:
        doubtful = work.make(item, folder)
        return Finished(inputs, doubtful.bad_samples, one_color=doubtful.one_color)
    except RunError as error:
        reason = clean(str(error))
    except OSError as error:
        if error.errno in NOTHING_CAN_BE_WRITTEN:
            raise
        reason = f"{error.strerror or error}."
    for name in work.targets(item):  # of an earlier run with other contents
        with suppress(OSError):  # a name that is too long for any file
            remove_file(folder / name)
    return Finished(inputs, failure=reason)
