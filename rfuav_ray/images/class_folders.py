"""Data sets in folders `<path>/<class>/<image>`: their classes, images and fingerprint. Does not import torch.

The images of a class may lie in folders of its folder, as for torchvision's ImageFolder.
"""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rfuav_ray.errors import InvalidInput
from rfuav_ray.file_access.folders import check_folder
from rfuav_ray.files import IMAGE_KINDS, is_image, is_text
from rfuav_ray.outputs.manifest import read_run
from rfuav_ray.walk import LeftOut, is_companion, obstacle, walk_images
from rfuav_ray.wording import some


def class_folders(path: Path, *, field: str, roots: Sequence[Path] = ()) -> list[str]:
    """The sorted names of the class folders in `path`. Hidden folders do not count.

    Args:
        path: The data set.
        field: What errors name.
        roots: Folders that links may lead into; see `walk_images`.

    Raises:
        InvalidInput: `path` cannot be read, has no class folder, or holds an incomplete data set. Or a class
            folder has no image, its name is not UTF-8, or looks like another's. The error names `field`.
    """
    left_out = LeftOut()
    with _refusing(path, field):
        refuse_unfinished(path, field)
        names = folder_names(path, roots, left_out)
        empty = [name for name in names if next(walk_images(path / name, roots=roots), None) is None]
    if not names:
        reason = f"'{path}' has no class folder; images go into <path>/<class>/<image>."
        raise InvalidInput(field, f"{reason} {left_out.describe(path)}".strip())
    if unreadable := [name for name in names if not is_text(name)]:
        raise InvalidInput(field, f"'{path}' has folder names that are not UTF-8 ({unreadable}); rename them.")
    if alike := _alike(names):
        raise InvalidInput(
            field,
            f"'{path}' has class folders that look alike, but are written differently in Unicode: "
            f"{some(alike)}. Put their images into one folder.",
        )
    if empty:
        for name in empty:
            list(walk_images(path / name, roots=roots, left_out=left_out, below=path))
        reason = f"no image ({IMAGE_KINDS}) in {some(empty)} of '{path}' or below; add some or remove it."
        raise InvalidInput(field, f"{reason} {left_out.describe(path)}".strip())
    return names


def check_dataset(train_path: Path, val_path: Path, num_classes: int, *, roots: Sequence[Path] = ()) -> list[str]:
    """Check that both folders have the same `num_classes` classes. Returns the sorted class names, as in train.

    A name in composed and in decomposed Unicode, which archives made on a Mac have, is the same name.

    Raises:
        InvalidInput: The classes differ, their number is not `num_classes`, or a folder cannot be used.
    """
    train_names = class_folders(train_path, field="train_path", roots=roots)
    val_names = class_folders(val_path, field="val_path", roots=roots)
    if len(train_names) != num_classes:
        left_out = LeftOut()
        folder_names(train_path, roots, left_out)
        reason = f"is {num_classes}, but '{train_path}' has {len(train_names)} class folders: {some(train_names)}."
        raise InvalidInput("num_classes", f"{reason} {left_out.describe(train_path)}".strip())
    train_forms, val_forms = set(map(composed, train_names)), set(map(composed, val_names))
    differences = []
    if missing := [name for name in train_names if composed(name) not in val_forms]:
        differences.append(f"these are missing: {some(missing)}")
    if extra := [name for name in val_names if composed(name) not in train_forms]:
        differences.append(f"these are extra: {some(extra)}")
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


def labelled_images(
    path: Path,
    class_names: Sequence[str],
    *,
    roots: Sequence[Path] = (),
    left_out: LeftOut | None = None,
    tell: Callable[[], None] = lambda: None,
) -> list[tuple[Path, int]]:
    """Every image with its class index, sorted by class index and path.

    Args:
        path: The data set.
        class_names: The classes. A folder belongs to its class in any Unicode form.
        roots: Folders that links may lead into; see `walk_images`.
        left_out: Counts what is not taken.
        tell: Called before each class. It may raise.
    """
    left_out = LeftOut() if left_out is None else left_out
    folders = {composed(name): name for name in folder_names(path, roots, left_out)}
    images = []
    for label, class_name in enumerate(class_names):
        tell()
        folder = path / folders.get(composed(class_name), class_name)
        found = sorted(walk_images(folder, roots=roots, left_out=left_out, below=path))
        images += [(image, label) for image in found]
    return images


def composed(name: str) -> str:
    """The name in composed Unicode (NFC). Names that look alike are equal then."""
    return unicodedata.normalize("NFC", name)


def fingerprint(path: Path, images: Sequence[tuple[Path, int]]) -> str:
    """SHA-256 over the sorted names, relative to `path`, and the file sizes: identifies the data set."""
    lines = sorted(f"{image.relative_to(path).as_posix()}\0{image.stat().st_size}\n" for image, _ in images)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def folder_names(path: Path, roots: Sequence[Path], left_out: LeftOut) -> list[str]:
    """The sorted names of the class folders. What else is in `path` is counted in `left_out`."""
    check_folder(path)
    with os.scandir(path) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    own = path.resolve()
    names = []
    for entry in entries:
        if is_companion(entry.name):
            continue
        if entry.name.startswith("."):
            left_out.add("hidden", entry.name)
        elif entry.is_symlink() and (reason := obstacle(Path(entry.path), roots)):
            left_out.add(reason, entry.name)
        elif entry.is_symlink() and own.is_relative_to(Path(entry.path).resolve()):  # a loop
            left_out.add("linked_again", entry.name)
        elif entry.is_dir():
            names.append(entry.name)
        else:
            left_out.add("outside_classes" if is_image(Path(entry.name)) else "other_suffix", entry.name)
    return names


def _alike(names: Sequence[str]) -> list[str]:
    counts = Counter(map(composed, names))
    return [name for name in names if counts[composed(name)] > 1]


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
