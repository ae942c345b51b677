"""Where a run on this node makes files that it then writes to a bucket: `outputs/<task>.d/` in CACHE_DIR."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rfuav_ray.errors import RunInterrupted, RunLost
from rfuav_ray.events import Report
from rfuav_ray.objects.cache import locked, own_folder

#: after this time, no later run of its task is expected to resume here
FORGOTTEN_AFTER_S = 86_400


@contextmanager
def scratch(cache_dir: Path, run_id: str, report: Report) -> Iterator[Path]:
    """A folder of a task. It goes at the end of the block, unless a later run is to resume.

    Raises:
        RunError: An earlier run of the task does not end.
    """
    forget(cache_dir)
    outputs = own_folder(cache_dir, "outputs")
    lock = outputs / f"{run_id}.lock"
    descriptor = locked(lock, report)
    folder = lock.with_suffix(".d")
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        os.utime(lock)
        yield folder
    except (RunInterrupted, RunLost):
        raise
    except BaseException:
        _remove(folder, lock)
        raise
    else:
        _remove(folder, lock)
    finally:
        os.close(descriptor)


def forget(cache_dir: Path) -> None:
    """Remove what runs that died long ago have made."""
    for lock in (cache_dir / "outputs").glob("*.lock"):
        with suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - lock.stat().st_mtime > FORGOTTEN_AFTER_S:
                _remove(lock.with_suffix(".d"), lock)


def _remove(folder: Path, lock: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.unlink(missing_ok=True)
