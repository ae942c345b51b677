"""The folder `.rfuav-run`, in which a preprocessing run records its state in its output folder.

`run.json` names the run. `finished.jsonl` has the items whose files are on disk, which a resumed run skips.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from rfuav_ray.file_access.folders import open_to_append
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_FINISHED_BYTES, MAX_LINE_BYTES, MAX_RUN_BYTES
from rfuav_ray.file_access.reading import open_file, read_file

RUN_FOLDER, RUN_FILE, FINISHED_FILE = ".rfuav-run", "run.json", "finished.jsonl"
#: no id of a run is longer
LONGEST_ID = 256
KEYS = {"state", "run_id", "request", "plan", "is_new", "result"}


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcome of an item."""

    #: digest of the contents that it was made from; empty if they could not be read
    inputs: str
    #: number of samples that could not be used
    bad_samples: int = 0
    #: why it has no files
    failure: str | None = None
    #: number of spectrograms of one colour
    one_color: int = 0


class FinishedLog:
    """Appends to `finished.jsonl`: a line `[number, inputs, bad_samples, failure, one_color]` for each item."""

    def __init__(self, run_folder: Path) -> None:
        self._file = open_to_append(run_folder / FINISHED_FILE)
        self._file.write(b"\n")  # ends a line that an earlier run was writing when it died
        self._file.flush()

    def add(self, items: Iterable[tuple[int, Finished]]) -> None:
        """Write items whose files are on disk. They are on disk themselves then."""
        lines = (json.dumps([number, *astuple(outcome)]) + "\n" for number, outcome in items)
        self._file.write("".join(lines).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        with suppress(OSError):  # a full disk, which `add` has reported
            self._file.close()


def read_finished(run_folder: Path, count: int = 2**63) -> dict[int, Finished]:
    """Return the finished ones of `count` items by their numbers.

    The file lies where others may write. A line that no run has written is ignored, so its item is made again.

    Raises:
        OSError: The file cannot be read, is a link out of the roots, or is too large.
    """
    finished: dict[int, Finished] = {}
    with (
        suppress(FileNotFoundError),
        open_file(run_folder / FINISHED_FILE, largest_bytes=MAX_FINISHED_BYTES) as lines,
    ):
        while line := lines.readline(MAX_LINE_BYTES):
            with suppress(ValueError, TypeError):
                number, *outcome = parse_json(line)
                one = Finished(*outcome)
                if type(number) is int and 0 <= number < count and _is_valid(one):
                    finished[number] = one
    return finished


def _is_valid(one: Finished) -> bool:
    counts = (one.bad_samples, one.one_color)
    return (
        isinstance(one.inputs, str)
        and all(type(number) is int and 0 <= number < 2**63 for number in counts)
        and (one.failure is None or isinstance(one.failure, str))
    )


def read_run(output_path: Path) -> dict[str, Any] | None:
    """Return the record of the last run into this folder; None without a complete record."""
    try:
        run = parse_json(read_file(output_path / RUN_FOLDER / RUN_FILE, largest_bytes=MAX_RUN_BYTES))
    except (OSError, ValueError):
        return None
    is_whole = isinstance(run, dict) and run.keys() >= KEYS and isinstance(run["run_id"], str)
    return run if is_whole and len(run["run_id"]) <= LONGEST_ID else None


def is_unfinished(run: dict[str, Any] | None, request: dict[str, Any]) -> bool:
    """Whether the run has not completed and had the same request, so that a new run can resume it."""
    return run is not None and run["state"] == "unfinished" and run["request"] == request


def holds_files(folder: Path) -> bool:
    """Whether the folder holds anything besides `.rfuav-run`. A link with that name counts."""
    return any(entry.name != RUN_FOLDER or entry.is_symlink() for entry in folder.iterdir())
