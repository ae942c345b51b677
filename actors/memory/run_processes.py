"""Notes which processes of a node work for which run: files that the processes write and the guard reads.

They are in a folder that only this user can open, because what is noted there may be killed. They outlive a
restart of the guard.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.private_files import private_folder

logger = logging.getLogger(__name__)

#: the kernel ends such processes first when memory is used up. Ray's own processes and the actors have 0
OOM_SCORE = Path("/proc/self/oom_score_adj")
FIRST_TO_END = "1000"


class RunProcess(NamedTuple):
    process: int
    run_id: str


def notes_folder(node_id: str) -> Path:
    """The folder for the notes of a node; a machine may have two. Raises RfuavError if it isn't private."""
    return private_folder(Path("/tmp", f"rfuav-{os.geteuid()}-runs"), "The folder of the memory guard") / node_id


@contextmanager
def works_for(run_id: str, node_id: str) -> Iterator[None]:
    """Note that this process works for the run, and let the kernel end it first when memory is used up."""
    with suppress(OSError):  # not Linux
        OOM_SCORE.write_text(FIRST_TO_END, encoding="ascii")
    note = None
    try:
        folder = notes_folder(node_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        note = folder / str(os.getpid())
        note.write_text(f"{_started(os.getpid())} {run_id}", encoding="utf-8")
    except (RfuavError, OSError) as error:
        logger.warning("the memory guard cannot see this process: %s", error)
    try:
        yield
    finally:
        if note is not None:
            note.unlink(missing_ok=True)


def run_processes(folder: Path) -> list[RunProcess]:
    """The living processes that are noted in the folder, the first started first."""
    found = []
    with suppress(FileNotFoundError):  # no run has started yet
        for note in folder.iterdir():
            with suppress(OSError, ValueError):  # it has just ended, or just begins to write
                started, run_id = note.read_text(encoding="utf-8").split(" ", 1)
                if started == _started(int(note.name)):
                    found.append((float(started), RunProcess(int(note.name), run_id)))
                else:  # another process has its number by now
                    note.unlink(missing_ok=True)
    return [process for _, process in sorted(found)]


def _started(process: int) -> str:
    """Tells processes apart that have the same number one after the other; empty if there is none."""
    try:
        return str(psutil.Process(process).create_time())
    except psutil.NoSuchProcess:
        return ""
