"""What a run that makes a data set notes in its output: `.rfuav-run/run.json`."""

import json
from pathlib import Path
from typing import Any

RUN_FOLDER, RUN_FILE = ".rfuav-run", "run.json"
KEYS = {"state", "run_id", "request", "plan", "boot_id", "is_new", "result"}


def read_run(output_path: Path) -> dict[str, Any] | None:
    """What the last run into this folder noted; None when there was none."""
    try:
        run = json.loads((output_path / RUN_FOLDER / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run if isinstance(run, dict) and run.keys() >= KEYS else None


def is_unfinished(run: dict[str, Any] | None, request: dict[str, Any]) -> bool:
    """Whether that run was interrupted and did the same as this request: it can be gone on with."""
    return run is not None and run["state"] == "unfinished" and run["request"] == request


def holds_files(folder: Path) -> bool:
    """Whether anything but the run's own folder is in it."""
    return any(entry.name != RUN_FOLDER or entry.is_symlink() for entry in folder.iterdir())
