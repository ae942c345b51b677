"""The control groups of this process, by which containers and slices limit it. Linux only."""

from collections.abc import Iterator
from pathlib import Path

OWN = Path("/proc/self/cgroup")
MOUNTED = Path("/sys/fs/cgroup")


def control_groups(controller: str, own: Path = OWN, mounted: Path = MOUNTED) -> Iterator[Path]:
    """Yield the folders of the control group and its parents. A slice may limit the services in it.

    Args:
        controller: Of cgroup v1, such as `cpu`. In v2 one group has all of them.
        own: Lists the groups of this process.
        mounted: Where the system shows them. A container may not see all.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = mounted / controllers  # cgroup v1 has one hierarchy per controller; in v2 `controllers` is empty
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            yield folder
            if folder == root:
                break
