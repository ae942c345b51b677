"""The file `.rfuav-run/run.json`, in which a preprocessing run records its state in its output folder."""

import json
from pathlib import Path
from typing import Any

RUN_FOLDER, RUN_FILE = ".rfuav-run", "run.json"
KEYS = {"state", "run_id", "request", "plan", "boot_id", "is_new", "result"}


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
