"""Finding images, and writing files so that nobody ever sees half of one."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
#: the names that `replacing` gives
TEMPORARY = re.compile(r"\..*\.\d+\.tmp(\.[^.]*)?", re.DOTALL)


def is_image(path: Path) -> bool:
    """Whether the name says image (png, jpg, jpeg, bmp in any case) and it is no hidden file."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def walk_images(folder: Path) -> Iterator[Path]:
    """All images below `folder`. Linked folders are not entered, so a loop of links ends."""
    for parent, folder_names, file_names in os.walk(folder):
        folder_names[:] = [name for name in folder_names if not name.startswith(".")]
        yield from (path for name in file_names if is_image(path := Path(parent, name)))


def find_images(folder: Path) -> list[Path]:
    """All images below `folder`, sorted by path."""
    return sorted(walk_images(folder))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there takes its place when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays: libraries choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_temporaries(folder: Path) -> None:
    """Remove what killed processes were writing with `replacing` in the folder or below it."""
    for parent, _, file_names in os.walk(folder):
        for name in file_names:
            if name.startswith(".") and TEMPORARY.fullmatch(name):
                Path(parent, name).unlink(missing_ok=True)
