"""Data sets in folders `<path>/<class>/<image>`: their classes, images and fingerprint. Does not import torch."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.files import is_image, is_text, walk_images
from rfuav_ray.outputs.artifacts import DATASET_FILE
from rfuav_ray.outputs.manifest import read_run
from rfuav_ray.yaml_files import load_plain

NAMES_SHOWN = 10


def class_folders(path: Path, *, field: str) -> list[str]:
    """The sorted names of the class folders in `path`. Hidden folders do not count.

    Raises:
        InvalidInput: `path` cannot be read, has no class folder, or holds an incomplete data set. Or a class
            folder has no image, or its name is not UTF-8. The error names `field`.
    """
    with _refusing(path, field):
        refuse_unfinished(path, field)
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if _is_class_folder(entry))
        empty = [name for name in names if next(image_names(path / name), None) is None]
    if not names:
        raise InvalidInput(field, f"'{path}' has no class folder; images go into <path>/<class>/<image>.")
    if unreadable := [name for name in names if not is_text(name)]:
        raise InvalidInput(field, f"'{path}' has folder names that are not UTF-8 ({unreadable}); rename them.")
    if empty:
        raise InvalidInput(
            field,
            f"no image (png, jpg, jpeg, bmp) directly in {_shown(empty)} of '{path}'; add some or remove it.",
        )
    return names


def check_dataset(train_path: Path, val_path: Path, num_classes: int) -> list[str]:
    """Check that both folders have the same `num_classes` classes. Returns the sorted class names.

    Raises:
        InvalidInput: The classes differ, their number is not `num_classes`, or a folder cannot be used.
    """
    train_names = class_folders(train_path, field="train_path")
    val_names = class_folders(val_path, field="val_path")
    if len(train_names) != num_classes:
        raise InvalidInput(
            "num_classes",
            f"is {num_classes}, but '{train_path}' has {len(train_names)} class folders: {_shown(train_names)}.",
        )
    differences = []
    if missing := sorted(set(train_names) - set(val_names)):
        differences.append(f"these are missing: {_shown(missing)}")
    if extra := sorted(set(val_names) - set(train_names)):
        differences.append(f"these are extra: {_shown(extra)}")
    if differences:
        raise InvalidInput(
            "val_path", f"'{val_path}' must have the classes of '{train_path}'; {'; '.join(differences)}."
        )
    return train_names


def refuse_unfinished(path: Path, field: str) -> None:
    """Refuse `path` if it is, or lies in, an incomplete data set.

    Raises:
        InvalidInput: The run that makes the data set is still at work, or was interrupted.
    """
    for folder in (path, *path.parents):
        run = read_run(folder)
        if run is not None and run["state"] == "unfinished":
            raise InvalidInput(
                field,
                f"'{folder}' is incomplete: task {run['run_id']} is still writing it or was interrupted. Wait, or "
                "run the task again.",
            )


def labelled_images(path: Path, class_names: Sequence[str]) -> list[tuple[Path, int]]:
    """Every image with its class index, sorted by class index and name."""
    return [
        (path / class_name / image_name, label)
        for label, class_name in enumerate(class_names)
        for image_name in sorted(image_names(path / class_name))
    ]


def fingerprint(path: Path, images: Sequence[tuple[Path, int]]) -> str:
    """SHA-256 over the sorted names, relative to `path`, and the file sizes: identifies the data set."""
    lines = sorted(f"{image.relative_to(path).as_posix()}\0{image.stat().st_size}\n" for image, _ in images)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def stft_settings(path: Path) -> dict[str, Any] | None:
    """The STFT settings that the images were drawn with: `stft` in the `dataset.yaml` of the folder or its parent.

    None if there is no such entry. Raises RunError if the file exists and cannot be read.
    """
    text = dataset_file_of(path) or dataset_file_of(path.parent)
    if text is None:
        return None
    try:
        content = load_plain(text)
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"'{DATASET_FILE}' of '{path}' cannot be read; correct or remove it: {reason}") from error
    stft = content.get("stft") if isinstance(content, dict) else None
    return stft if isinstance(stft, dict) else None


def dataset_file_of(path: Path) -> str | None:
    """The text of `dataset.yaml` in the folder, which describes how its images were made; None if there is none.

    Raises RunError if the file cannot be read.
    """
    file = path / DATASET_FILE
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"'{file}' cannot be read; correct or remove it: {error}") from error


def count_unlabelled_images(path: Path, class_names: Sequence[str]) -> int:
    """How many images below `path` are not labelled: outside class folders, too deep, or broken links."""
    return sum(1 for _ in walk_images(path)) - len(labelled_images(path, class_names))


def _is_class_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")


def image_names(folder: Path) -> Iterator[str]:
    """The names of the images directly in the folder, in no particular order."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_image(Path(entry.name)) and _is_file(entry):
                yield entry.name


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a loop of links
        return False


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


@contextmanager
def _refusing(path: Path, field: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidInput(field, f"there is no folder '{error.filename or path}'.") from None
    except NotADirectoryError:
        raise InvalidInput(field, f"'{path}' is not a folder; use a folder <path>/<class>/<image>.") from None
    except OSError as error:
        raise InvalidInput(field, f"'{error.filename or path}' cannot be read: {error.strerror}.") from None
