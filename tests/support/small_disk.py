"""A disk so small that it is soon full."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

#: the name of these file systems, before the number of the process that mounted one
DISK = "rfuav-test-disk-"
FULL = "No space left on device"
FILLER = "filler"
Mount = Callable[[int], Path]


@contextmanager
def mounting(folder: Path) -> Iterator[Mount]:
    """A function that mounts a file system in memory, of so many MB. Skips the test where that is forbidden."""
    _unmount_left()
    folder.mkdir()

    def mount(megabytes: int) -> Path:
        options, name = f"size={megabytes}m,mode=0700", f"{DISK}{os.getpid()}"
        command = ["mount", "-t", "tmpfs", "-o", options, name, str(folder)]
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
            _unmount(folder)


def _unmount(folder: Path) -> None:
    # Lazily: a worker may still be at home in it. What is left, another process may have unmounted just now.
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


def _unmount_left() -> None:
    """Unmount what killed processes left: pytest could not remove their folders."""
    for mounted in psutil.disk_partitions(all=True):
        _, is_ours, pid = mounted.device.partition(DISK)
        if is_ours and not psutil.pid_exists(int(pid)):
            _unmount(Path(mounted.mountpoint))


def fill(disk: Path) -> None:
    """Leave not one byte."""
    with pytest.raises(OSError, match=FULL), (disk / FILLER).open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
