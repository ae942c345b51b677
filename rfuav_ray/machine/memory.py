"""The memory of this machine, or of the container that limits it, and what processes use of it. Linux only."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from rfuav_ray.machine.cgroups import MOUNTED, OWN, control_groups

PROC = Path("/proc")
_KIB = 1024
#: of cgroup v2 and of v1: the limit, what is used, and in memory.stat the pages of files, which can be dropped
_NAMES = (
    ("memory.max", "memory.current", ("inactive_file", "active_file")),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")),
)


class Memory(NamedTuple):
    total_bytes: int
    #: what can be had without swapping
    available_bytes: int


def node_memory(own: Path = OWN, mounted: Path = MOUNTED) -> Memory:
    """Read the memory of this machine; of the control group that has the least left, if it has less."""
    machine = psutil.virtual_memory()
    found = [Memory(machine.total, machine.available)]
    for group in control_groups("memory", own, mounted):
        with suppress(OSError, ValueError):  # no limit, or not visible in this container
            found.append(_of_group(group))
    total = min(memory.total_bytes for memory in found)
    return Memory(total, max(0, min(memory.available_bytes for memory in found)))


def _of_group(group: Path) -> Memory:
    """The limit of a control group, and what is left of it. Raises OSError or ValueError when it has no limit."""
    limit, used, file_pages = _NAMES[0] if (group / _NAMES[0][0]).exists() else _NAMES[1]
    total = int((group / limit).read_text(encoding="ascii"))
    stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
    taken = int((group / used).read_text(encoding="ascii")) - sum(int(stat.get(name, 0)) for name in file_pages)
    return Memory(total, total - taken)


def memory_at_most(process: int) -> int:
    """Bytes that a process uses, without the pages of files. Takes 50 µs. Shared pages count in each process.

    Raises:
        OSError: The process has ended.
    """
    return sum(_sizes(PROC / str(process) / "status", ("RssAnon:", "RssShmem:")))


def memory_of(process: int) -> int:
    """Like `memory_at_most`, with the process's part of shared pages, as those of the fork server. Takes ms.

    Raises:
        OSError: The process has ended, or is another user's.
    """
    found = _sizes(PROC / str(process) / "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))
    return sum(found) if found else memory_at_most(process)  # kernels before 5.9 don't tell


def _sizes(file: Path, names: tuple[str, ...]) -> list[int]:
    lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    return [int(line.split()[1]) * _KIB for line in lines if line.startswith(names)]


def descendants(process: int) -> Iterator[int]:
    """Yield the children of a process, their children, and so on."""
    threads = f"/proc/{process}/task"
    with suppress(OSError):  # it has ended meanwhile
        # The guard does it often, and Path takes three times as long.
        for thread in os.listdir(threads):  # noqa: PTH208
            with suppress(OSError), open(f"{threads}/{thread}/children", encoding="ascii") as file:  # noqa: PTH123
                for child in map(int, file.read().split()):
                    yield child
                    yield from descendants(child)
