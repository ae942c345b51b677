"""Splits `<class>/<image>` into train, valid and test. Files are copied byte for byte."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from preprocessing.grouping import groups_of
from preprocessing.pipeline.driver import Workers
from preprocessing.pipeline.produce import produce
from preprocessing.pipeline.worker import BlockResult, Doubtful, Item, Work, one_target, source_digest
from rfuav_ray.api.requests import DatasetSplitRequest
from rfuav_ray.api.results import SplitResult, SplitStats
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import write_content
from rfuav_ray.images.class_folders import class_folders, labelled_images
from rfuav_ray.images.dataset_card import dataset_file_of
from rfuav_ray.images.files import read_checked
from rfuav_ray.images.overlap import check_output
from rfuav_ray.outputs.artifacts import DATASET_FILE
from rfuav_ray.walk import LeftOut, tell_left_out

TRAIN, VALID, TEST = "train", "valid", "test"


def parts(
    names: Sequence[str],
    *,
    train_ratio: float,
    val_ratio: float | None,
    shuffle_seed: str,
    group_of: Mapping[str, str],
) -> dict[str, list[str]]:
    """Split the files of one class at random. Each file gets into exactly one part.

    If there are at least two groups, train and valid get at least one each.

    Args:
        names: Files of the class, relative to its folder.
        train_ratio: Fraction of the files for train.
        val_ratio: Fraction of the files for valid; the rest is test. None: the rest is valid.
        shuffle_seed: The same seed gives the same parts.
        group_of: The group of each file. The files of a group stay together.

    Returns:
        The names in each part.
    """
    names = sorted(names)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(group_of[name], []).append(name)
    order = list(groups)
    # A string seed gives the same order in every version of Python.
    random.Random(shuffle_seed).shuffle(order)
    train, rest = _take(order, groups, train_ratio * len(names), leave=1)
    chosen = {TRAIN: train, VALID: rest}
    if val_ratio is not None:
        chosen[VALID], chosen[TEST] = _take(rest, groups, val_ratio * len(names), leave=0)
    return {part: [name for group in some for name in groups[group]] for part, some in chosen.items()}


def _take(
    order: Sequence[str], groups: Mapping[str, Sequence[str]], wanted: float, *, leave: int
) -> tuple[list[str], list[str]]:
    """Divide the groups into those that together hold about `wanted` files, and the others.

    At least one group is taken. If possible, at least `leave` groups are left. A group that exceeds `wanted` is
    skipped, unless it has several files and brings the number closer to `wanted`.
    """
    taken: list[str] = []
    rest: list[str] = []
    files = 0
    for group in order:
        size = len(groups[group])
        # Products such as 0.57 * 100 may be slightly below the whole number.
        fits = files + size <= wanted + 1e-9
        is_nearer = size > 1 and files + size - wanted < wanted - files
        if (fits or is_nearer) and len(taken) < len(order) - leave:
            taken.append(group)
            files += size
        else:
            rest.append(group)
    return (taken, rest) if taken else (rest[:1], rest[1:])


def copy(item: Item, output: Path, *, source: Path) -> Doubtful:
    """Copy a file's bytes. Raises RunError if it is not an image, or one that is cut off."""
    content, _ = read_checked(source / item.source)
    write_content(output / item.target, content)
    return Doubtful()


@confined
def run(
    request: DatasetSplitRequest,
    *,
    run_id: str,
    workers: Workers,
    report: Report = ignore,
    roots: Sequence[Path] = (),
) -> SplitResult:
    """Split `input_path` into `output_path`; see `produce`. Also raises InvalidInput if there are no classes.

    Links may lead into `roots`; without any they may lead anywhere.
    """
    source = Path(request.input_path)
    check_output(source, Path(request.output_path))
    class_names = class_folders(source, field="input_path", roots=roots)
    left_out = LeftOut()
    names, empty = images_of(source, class_names, roots, left_out)
    counts = tell_left_out([(source, left_out)], report)
    items = items_of(request, names, groups_of(names, source, request.group_by_recording, report))
    _check_valid(items, class_names, report)
    card = dataset_file_of(source, report) or dataset_file_of(source.parent, report)
    return produce(
        request,
        items,
        Work(
            targets=one_target,
            make=partial(copy, source=source),
            inputs=partial(source_digest, source=source),
            largest_block=1024,
        ),
        output_path=Path(request.output_path),
        run_id=run_id,
        workers=workers,
        report=report,
        message=f"Splitting {len(items)} images of {len(class_names)} classes.",
        noun="images",
        stats_of=lambda made: _stats(items, made, class_names, empty=len(empty)),
        unusable=empty,
        cards=None if card is None else {DATASET_FILE: card},
        left_out=counts,
    )


def images_of(
    source: Path, class_names: Sequence[str], roots: Sequence[Path], left_out: LeftOut
) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """The images of each class, relative to its folder, and the empty and lost files with the reason.

    They are left out before the split: in a small class one could be the only file of a part.
    """
    names: dict[str, list[str]] = {name: [] for name in class_names}
    unusable: list[tuple[str, str]] = []
    for path, label in labelled_images(source, class_names, roots=roots, left_out=left_out):
        class_name = class_names[label]
        name = str(path.relative_to(source / class_name))
        if reason := _why_unusable(path):
            unusable.append((f"{class_name}/{name}", reason))
        else:
            names[class_name].append(name)
    return names, unusable


def _why_unusable(path: Path) -> str | None:
    try:
        return None if path.stat().st_size else "the file is empty."
    except OSError as error:  # it was deleted meanwhile
        return f"the file cannot be read: {error.strerror}."


def items_of(
    request: DatasetSplitRequest,
    names_of_class: Mapping[str, Sequence[str]],
    groups_of_class: Mapping[str, Mapping[str, str]],
) -> list[Item]:
    return [
        Item(source=f"{class_name}/{name}", target=f"{part}/{class_name}/{name}")
        for class_name, names in names_of_class.items()
        for part, chosen in parts(
            names,
            train_ratio=request.train_ratio,
            val_ratio=request.val_ratio,
            shuffle_seed=f"{request.seed} {class_name}",
            group_of=groups_of_class[class_name],
        ).items()
        for name in chosen
    ]


def _check_valid(items: Sequence[Item], class_names: Sequence[str], report: Report) -> None:
    with_valid = {Path(item.target).parts[1] for item in items if item.target.startswith(f"{VALID}/")}
    if not with_valid:
        raise RunError("each class has only one image (or one recording), so the validation set would be empty.")
    if missing := [name for name in class_names if name not in with_valid]:
        message = f"Training will refuse these classes without validation images: {', '.join(missing)}."
        report(RunEvent(message=message, level="WARNING"))


def _stats(items: Sequence[Item], made: BlockResult, class_names: list[str], *, empty: int) -> SplitStats:
    failed = {number for number, _ in made.failures}
    copied = Counter(item.target.partition("/")[0] for number, item in enumerate(items) if number not in failed)
    return {
        "total_images": copied.total(),
        "train_images": copied[TRAIN],
        "val_images": copied[VALID],
        "test_images": copied[TEST],
        "classes": class_names,
        "failed": empty + len(made.failures),
    }
