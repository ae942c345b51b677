"""What the attacks on files share: folders with images, tasks by HTTP, and what the log of a task says."""

import shutil
from pathlib import Path

import httpx2

from tests.support.images import CLASSES


def images(folder: Path, dataset: Path, count: int = 4) -> Path:
    """A folder with `count` images of each class."""
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for file in sorted((dataset / "train" / name).glob("*.png"))[:count]:
            shutil.copy(file, folder / name)
    return folder


def start(service: str, route: str, **fields: object) -> str:
    """Start a task. Returns its id."""
    answer = httpx2.post(f"{service}/api/v2/{route}", json=fields, timeout=60)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["task_id"])


def draw(service: str, source: Path, out: Path, **settings: float) -> str:
    """Start the drawing of recordings at 1 MS/s, if the settings don't say otherwise. Returns the task's id."""
    drawn = {"sample_rate_hz": 1e6, "stft_points": 256, "duration_s": 0.1} | settings
    return start(service, "preprocessing/spectrogram", input_path=str(source), output_path=str(out), **drawn)


def ended(client, task_id):
    """The ended task, and the messages of its warnings. The service is well afterwards."""
    task = client.wait(task_id, timeout=120)
    warnings = [entry["message"] for entry in client.get_logs(task_id) if entry["level"] == "WARNING"]
    assert client.health()["status"] == "healthy"
    return task, warnings


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder with their contents."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
