"""MemoryGuard: measures the runs of its node several times a second, and ends one if it must.

Ray's own monitor ends small actors and spares the run that took the memory. Linux only.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from actors.memory.decision import run_to_end
from actors.memory.run_processes import notes_folder, run_processes
from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.memory import Memory, descendants, memory_at_most, memory_of, node_memory

logger = logging.getLogger(__name__)

#: A run can take 2 GB in a second.
LOOK_EVERY_S = 0.25
#: how long the end of a large process may take, until its memory is free
ENDS_WITHIN_S = 10.0
MAX_REASONS = 1000
UNUSED_AFTER_S = 86_400


class MemoryGuard:
    def __init__(self, folder: Path, limit: float, read_memory: Callable[[], Memory] = node_memory) -> None:
        """Create a guard, which `look` makes work.

        Args:
            folder: The notes of the node's run processes.
            limit: See `run_to_end`.
            read_memory: Reads the node's memory.
        """
        self._folder = folder
        self._limit = limit
        self._read_memory = read_memory
        #: processes that were killed, and until when their end is waited for
        self._ending: list[int] = []
        self._wait_until_s = 0.0
        self._reasons: dict[str, str] = {}

    def why_ended(self, run_id: str) -> str | None:
        """Why the guard has ended this run; None if it hasn't."""
        return self._reasons.get(run_id)

    def look(self) -> None:
        """Measure the runs, and end one if it must end."""
        if any(map(_lives, self._ending)) and time.monotonic() < self._wait_until_s:
            return  # its memory becomes free
        self._ending = []
        processes: dict[str, list[int]] = defaultdict(list)
        for process, run_id in run_processes(self._folder):
            processes[run_id] += [process, *descendants(process)]
        if not processes:
            return
        memory = self._read_memory()
        at_most = {run_id: _total(memory_at_most, own) for run_id, own in processes.items()}
        if run_to_end(at_most, memory, self._limit) is None:
            return
        used = {run_id: _total(memory_of, own) for run_id, own in processes.items()}
        if ending := run_to_end(used, memory, self._limit):
            self._end(ending.run_id, ending.reason, processes[ending.run_id])

    def _end(self, run_id: str, reason: str, processes: list[int]) -> None:
        # Before the kill: the question why it has ended comes at once.
        self._reasons[run_id] = reason
        while len(self._reasons) > MAX_REASONS:
            del self._reasons[next(iter(self._reasons))]
        logger.warning("run %s: %s", run_id, reason)
        for process in processes:  # the run itself first, so that Ray starts no worker again
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._ending, self._wait_until_s = processes, time.monotonic() + ENDS_WITHIN_S


def start_guard(node_id: str, limit: float) -> MemoryGuard | None:
    """Start the guard of this node in a thread. None where there is none: not on Linux, or without its folder."""
    if sys.platform != "linux":
        return None
    try:
        folder = notes_folder(node_id)
        _tidy_up(folder.parent)
        guard = MemoryGuard(folder, limit)
    except RfuavError as error:
        logger.warning("no memory guard on this node: %s", error)
        return None
    threading.Thread(target=_watch, args=[guard], name="memory-guard", daemon=True).start()
    return guard


def _tidy_up(parent: Path) -> None:
    """Remove the empty folders of nodes that ended long ago."""
    for folder in parent.iterdir():
        with suppress(OSError):  # it has notes
            if time.time() - folder.stat().st_mtime > UNUSED_AFTER_S:
                folder.rmdir()


def _watch(guard: MemoryGuard) -> None:
    while True:
        try:
            guard.look()
        except Exception:
            logger.exception("the memory guard failed, trying again")
        time.sleep(LOOK_EVERY_S)


def _total(measure: Callable[[int], int], processes: Iterable[int]) -> int:
    total = 0
    for process in processes:
        with suppress(OSError):  # it has ended
            total += measure(process)
    return total


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
