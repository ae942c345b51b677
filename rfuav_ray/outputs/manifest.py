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

RUN_FOLDER, RUN_FILE, FINISHED_FILE = ".rfuav-run", "run.json", "finished.jsonl"
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
        self._file = (run_folder / FINISHED_FILE).open("ab")
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


def read_finished(run_folder: Path) -> dict[int, Finished]:
    """Return the finished items by their numbers. A damaged line is ignored, so its item is made again."""
    finished: dict[int, Finished] = {}
    with suppress(FileNotFoundError), (run_folder / FINISHED_FILE).open("rb") as lines:
        for line in lines:
            with suppress(ValueError, TypeError):
                number, *outcome = json.loads(line)
                finished[number] = Finished(*outcome)
    return finished


def read_run(output_path: Path) -> dict[str, Any] | None:
    """Return the record of the last run into this folder; None without a complete record."""
    try:
        run = json.loads((output_path / RUN_FOLDER / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run if isinstance(run, dict) and run.keys() >= KEYS else None


def is_unfinished(run: dict[str, Any] | None, request: dict[str, Any]) -> bool:
    """Whether the run has not completed and had the same request, so that a new run can resume it."""
    return run is not None and run["state"] == "unfinished" and run["request"] == request


def holds_files(folder: Path) -> bool:
    """Whether the folder holds anything besides `.rfuav-run`. A link with that name counts."""
    return any(entry.name != RUN_FOLDER or entry.is_symlink() for entry in folder.iterdir())
