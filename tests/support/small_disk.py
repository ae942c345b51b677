"""A disk so small that it is soon full."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FULL = "No space left on device"
FILLER = "filler"
Mount = Callable[[int], Path]


@contextmanager
def mounting(folder: Path) -> Iterator[Mount]:
    """A function that mounts a file system in memory, of so many MB. Skips the test where that is forbidden."""
    folder.mkdir()

    def mount(megabytes: int) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("a small file system cannot be mounted here: there is no `mount`")
        if done.returncode:
            pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
        return folder

    try:
        yield mount
    finally:
        if folder.is_mount():
            # Lazily: a worker may still be at home in it.
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Leave not one byte."""
    with pytest.raises(OSError, match=FULL), (disk / FILLER).open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
