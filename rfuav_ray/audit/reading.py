"""Finds the parts of a data set, and what a training would ignore in it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.audit.pace import Pace
from rfuav_ray.audit.parts import Part
from rfuav_ray.errors import InvalidInput
from rfuav_ray.events import Report
from rfuav_ray.images.class_folders import class_folders, labelled_images
from rfuav_ray.images.dataset_card import read_card
from rfuav_ray.images.dataset_parts import TRAIN, beside_the_parts, parts_of
from rfuav_ray.images.overlap import check_apart
from rfuav_ray.walk import LeftOut, tell_left_out

VALID, WHOLE = "valid", "whole"


def folders_of(request: AuditRequest, roots: Sequence[Path] = ()) -> dict[str, tuple[Path, str]]:
    """The folder of each part, the training's first, and the field of the request that names it.

    A data set without parts is one: `whole`.

    Raises:
        InvalidInput: The data set has other parts, but no train. Or train and valid lie in one another.
    """
    if request.dataset_path is None:
        assert request.train_path is not None
        assert request.val_path is not None
        check_apart(Path(request.train_path), Path(request.val_path))
        return {
            TRAIN: (Path(request.train_path), "train_path"),
            VALID: (Path(request.val_path), "val_path"),
        }
    path = Path(request.dataset_path)
    names = parts_of(path, roots=roots) if path.is_dir() else []
    if names and names[0] != TRAIN:
        reason = f"'{path}' has {' and '.join(names)}, but no train; name the folders as train_path and val_path."
        raise InvalidInput("dataset_path", reason)
    return {name: (path / name, "dataset_path") for name in names} or {WHOLE: (path, "dataset_path")}


def read_parts(
    request: AuditRequest, report: Report, roots: Sequence[Path] = ()
) -> tuple[list[Part], dict[str, int]]:
    """The parts, and how many files a training would ignore, by suffix, or by reason if the suffix is not it.

    Raises:
        InvalidInput: A folder cannot be used.
        RunError: A dataset.yaml cannot be read.
    """
    folders = folders_of(request, roots)
    found: list[tuple[Path, LeftOut]] = []
    if request.dataset_path is not None and len(folders) > 1:
        path = Path(request.dataset_path)
        found.append((path, beside_the_parts(path, list(folders), roots)))
    parts, pace = [], Pace(report)
    for name, (path, field) in folders.items():
        class_names = class_folders(path, field=field, roots=roots)
        left_out = LeftOut()
        images = labelled_images(path, class_names, roots=roots, left_out=left_out, tell=pace)
        found.append((path, left_out))
        parts.append(Part(name, path, class_names, images, read_card(path, report)))
    by_reason = tell_left_out(found, report)
    by_reason.pop("other_suffix", None)
    by_suffix = sum((left_out.suffixes for _, left_out in found), Counter[str]())
    return parts, {**by_suffix, **by_reason}
