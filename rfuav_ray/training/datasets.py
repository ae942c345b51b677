"""Reads the two data sets of a training, and tells what is left out, unreadable or doubtful about them."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.api.results import AuditVerdict, FailedFile
from rfuav_ray.audit.parts import Part
from rfuav_ray.audit.quick import audit_names
from rfuav_ray.errors import InvalidInput
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.images.class_folders import check_dataset, composed, labelled_images
from rfuav_ray.images.dataset_card import DatasetCard, differences, mixed_rates, read_card
from rfuav_ray.images.overlap import check_apart, check_results, shared_classes
from rfuav_ray.training.data import ImageDataset, Unreadable
from rfuav_ray.walk import LeftOut, tell_left_out
from rfuav_ray.wording import some_reasons

FILES_IN_RESULT = 100
SECONDS_BETWEEN_MESSAGES = 10.0
#: a stop waits for one of them
SECONDS_BETWEEN_REPORTS = 0.25


@dataclass(frozen=True)
class Datasets:
    class_names: list[str]
    train: ImageDataset
    val: ImageDataset
    #: the card of the training images
    card: DatasetCard | None
    #: whether names and bytes say that both share recordings
    leakage: AuditVerdict
    #: files of both folders that are not used, by reason
    left_out: dict[str, int]
    unreadable: int
    #: the first of them
    unreadable_files: list[FailedFile]


def read_datasets(
    request: TrainingRequest, results: Path, report: Report, *, threads: int, roots: Sequence[Path] = ()
) -> Datasets:
    """Read the images of a training. Whatever is not used or doubtful is a WARNING.

    Args:
        request: What to train.
        results: The folder for the results, which may not lie among the images.
        report: Receives the events. It may raise to stop.
        threads: Number of decoding threads.
        roots: Folders that links may lead into; see `walk_images`.

    Raises:
        InvalidInput: A folder cannot be used, or a class has no image that can be read. With `strict`: an image
            cannot be read.
        RunError: A dataset.yaml cannot be read.
    """
    train_path, val_path = Path(request.train_path), Path(request.val_path)
    check_apart(train_path, val_path)
    class_names = check_dataset(train_path, val_path, request.num_classes, roots=roots)
    check_results(train_path, val_path, results)
    cards = {path: read_card(path, report) for path in (train_path, val_path)}
    found = [(path, LeftOut()) for path in (train_path, val_path)]
    train, val = (
        ImageDataset(
            labelled_images(path, class_names, roots=roots, left_out=left_out), image_size=request.image_size
        )
        for path, left_out in found
    )
    left_out = tell_left_out(found, report)
    for doubt in _doubts(train_path, val_path, class_names, cards):
        report(RunEvent(message=doubt, level="WARNING"))
    tell = _progress(len(train) + len(val), report)
    unreadable = []
    for dataset, field in ((train, "train_path"), (val, "val_path")):
        some = dataset.load(threads=threads, tell=tell)
        _check_classes(dataset, class_names, field, some)
        unreadable += some
    _tell_unreadable(unreadable, len(train) + len(val), report, strict=request.strict)
    leakage = audit_names(
        [
            Part("train", train_path, class_names, train.images, cards[train_path]),
            Part("val", val_path, class_names, val.images, cards[val_path]),
        ],
        report,
    )
    return Datasets(
        class_names,
        train,
        val,
        cards[train_path],
        leakage,
        left_out,
        len(unreadable),
        [{"file": clean(str(path)), "reason": clean(reason)} for path, reason in unreadable[:FILES_IN_RESULT]],
    )


def _progress(total: int, report: Report) -> Callable[[], None]:
    """A function to call after each image. Sometimes it tells how many are done, and `report` may raise."""
    done, reported_s, told_s = 0, time.monotonic(), time.monotonic()

    def tell() -> None:
        nonlocal done, reported_s, told_s
        done += 1
        now_s = time.monotonic()
        if now_s - reported_s < SECONDS_BETWEEN_REPORTS:
            return
        reported_s = now_s
        is_due = now_s - told_s >= SECONDS_BETWEEN_MESSAGES
        if is_due:
            told_s = now_s
        report(RunEvent(message=f"Read {done} of {total} images." if is_due else ""))

    return tell


def _check_classes(
    dataset: ImageDataset, class_names: Sequence[str], field: str, unreadable: Sequence[Unreadable]
) -> None:
    counts = Counter(label for _, label in dataset.images)
    if lost := [name for label, name in enumerate(class_names) if not counts[label]]:
        first = f" The first reason: {unreadable[0][1]}" if unreadable else ""
        raise InvalidInput(field, clean(f"no image of {', '.join(lost)} can be read.{first} Replace them."))


def _tell_unreadable(unreadable: Sequence[Unreadable], good: int, report: Report, *, strict: bool) -> None:
    if not unreadable:
        return
    named = some_reasons([reason for _, reason in unreadable], len(unreadable))
    what = clean(f"{len(unreadable)} of {good + len(unreadable)} images cannot be read")
    if strict:
        raise InvalidInput("strict", clean(f"{what}, and strict is true: {named} Replace or remove them."))
    report(RunEvent(message=clean(f"{what} and are left out: {named}"), level="WARNING"))


def _doubts(
    train_path: Path, val_path: Path, class_names: Sequence[str], cards: dict[Path, DatasetCard | None]
) -> list[str]:
    train_card, val_card = cards[train_path], cards[val_path]
    doubts = []
    if shared := shared_classes(train_path, val_path, class_names):
        doubts.append(
            f"The folders of {', '.join(shared)} are the same in train_path and val_path: the accuracy is that on "
            "known images."
        )
    names_of_val = {entry.name for entry in val_path.iterdir()}
    if other_form := [name for name in class_names if name not in names_of_val]:
        doubts.append(
            f"val_path writes {', '.join(other_form)} differently in Unicode (composed or decomposed) than "
            "train_path. They are taken for the same classes."
        )
    by_case = Counter(composed(name).casefold() for name in class_names)
    if alike := [name for name in class_names if by_case[composed(name).casefold()] > 1]:
        doubts.append(f"The classes {', '.join(alike)} differ only in upper and lower case.")
    if train_card and val_card and (differing := differences(train_card.stft, val_card.stft)):
        doubts.append(
            "The spectrograms of train_path and val_path were made with different settings (dataset.yaml): "
            f"{'; '.join(differing)}."
        )
    rates = {path: mixed_rates(card) for path, card in cards.items()}
    if train_card == val_card:  # one file describes both
        del rates[val_path]
    doubts += [
        f"The recordings of '{path}' have different sample rates: {mixed}. A signal looks different in each."
        for path, mixed in rates.items()
        if mixed
    ]
    return list(map(clean, doubts))
