"""Looks at the pixels of all images of a data set, and tells what they say."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rfuav_ray.api.results import FailedFile
from rfuav_ray.audit.duplicates import File
from rfuav_ray.audit.pace import Pace
from rfuav_ray.audit.parts import Part
from rfuav_ray.audit.pixels.baseline import Baseline, nearest_neighbour
from rfuav_ray.audit.pixels.hashes import FLAT, UNREADABLE, record_of, unreadable
from rfuav_ray.audit.pixels.near import look_alikes
from rfuav_ray.audit.pixels.records import Records, work_digest
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.machine.prefetch import prefetched
from rfuav_ray.wording import some_reasons

#: percent of the progress when all images are read, and when their hashes are compared
READ_PERCENT, COMPARED_PERCENT = 80.0, 95.0
#: unreadable images that audit.json names; the log names fewer
MOST_NAMED = 1000
MAX_THREADS = 16


@dataclass
class Pixels:
    """What the pixels say."""

    images: Sequence[Path]
    #: the number of the part of each image
    numbers: Sequence[int]
    #: pairs of images that show the same picture, as numbers
    look_alikes: list[tuple[int, int]] = field(default_factory=list)
    baseline: Baseline | None = None
    unreadable: int = 0
    #: the first of them
    unreadable_files: list[FailedFile] = field(default_factory=list)
    #: images of one colour, or of stripes of it, which are not compared
    flat: int = 0


def look_at(
    parts: Sequence[Part],
    duplicates: Sequence[Sequence[File]],
    folder: Path,
    report: Report,
    *,
    run_id: str,
    resume: bool,
) -> Pixels:
    """Read all images and compare them.

    Args:
        parts: The data set.
        duplicates: Groups of files with the same bytes, of which all but the first are left out of look-alikes.
        folder: Receives a hidden file, which goes when the run is not interrupted.
        report: Receives the progress, and what cannot be read. It may raise.
        run_id: Identifies the run for `resume`.
        resume: Whether to resume after the last image of an interrupted or killed run.

    Raises:
        RunError: No image can be read.
    """
    images = [path for part in parts for path, _ in part.images]
    numbers = [number for number, part in enumerate(parts) for _ in part.images]
    names = sorted({part.class_of(label) for part in parts for label in range(len(part.class_names))})
    index = {name: label for label, name in enumerate(names)}
    labels = [index[part.class_of(label)] for part in parts for _, label in part.images]
    with Records(folder, run_id) as records:
        if records.begin(work_digest(images, Pace(report)), resume=resume):
            message = "The images have changed since the interruption. The audit starts from the beginning."
            report(RunEvent(message=message, level="WARNING"))
        _read(images, records, report)
        found = Pixels(images, numbers)
        _tell_unreadable(found, images, records, report)
        spare = {path for group in duplicates for _, path in group[1:]}
        known = [number for number, path in enumerate(images) if path in spare] if spare else []
        tell = _paced(report, READ_PERCENT, COMPARED_PERCENT)
        found.look_alikes = list(look_alikes(records, numbers, known, tell))
        found.baseline = nearest_neighbour(records, numbers, labels, _paced(report, COMPARED_PERCENT, 100))
    return found


def _read(images: Sequence[Path], records: Records, report: Report) -> None:
    """Add the records of the images that have none yet."""
    total, threads = len(images), min(MAX_THREADS, usable_cpus())
    if records.count:
        report(RunEvent(message=f"Resuming after {records.count} of {total} images."))
    left = prefetched(_record, images[records.count :], threads=threads, ahead=8 * threads, name="audit")
    tell = _paced(report, 0, READ_PERCENT)
    tenth = 10 * records.count // total
    with closing(left) as made:
        for record in made:
            records.add(record)
            tell(records.count / total)
            if (tenth_now := 10 * records.count // total) > tenth:
                tenth = tenth_now
                message = f"{records.count} of {total} images read."
                report(RunEvent(message=message, progress=READ_PERCENT * records.count / total))
    records.flush()


def _record(path: Path) -> npt.NDArray[Any]:
    try:
        return record_of(path)
    except RunError:
        return unreadable()


def _tell_unreadable(found: Pixels, images: Sequence[Path], records: Records, report: Report) -> None:
    """Count the images that tell nothing. A resumed run has not seen the reasons, so they are looked for here."""
    states = records.column("state")
    found.flat = int((states == FLAT).sum())
    failed = (states == UNREADABLE).nonzero()[0].tolist()
    found.unreadable = len(failed)
    found.unreadable_files = [
        {"file": clean(str(images[number])), "reason": clean(reason)}
        for number, reason in _reasons(images, failed[:MOST_NAMED], report)
    ]
    if len(failed) == len(images):
        raise RunError(f"None of the {len(images)} images can be read. {found.unreadable_files[0]['reason']}")
    if failed:
        named = some_reasons([one["reason"] for one in found.unreadable_files], len(failed))
        message = f"{len(failed)} of {len(images)} images cannot be read: {named}"
        report(RunEvent(message=message, level="WARNING"))
    if found.flat:
        message = f"{found.flat} images are of one colour, or of stripes of it, and are not compared with others."
        report(RunEvent(message=message, level="WARNING" if found.flat > len(images) / 2 else "INFO"))


def _reasons(images: Sequence[Path], numbers: Sequence[int], report: Report) -> Iterator[tuple[int, str]]:
    pace = Pace(report)
    for number in numbers:
        pace()
        try:
            record_of(images[number])
        except RunError as error:
            yield number, str(error)
        else:
            yield number, f"{images[number]} could not be read before, and can be now."


def _paced(report: Report, start_percent: float, end_percent: float) -> Callable[[float], None]:
    """A function that reports a fraction of this part of the progress."""
    pace = Pace(report)
    return lambda fraction: pace(start_percent + (end_percent - start_percent) * fraction)
