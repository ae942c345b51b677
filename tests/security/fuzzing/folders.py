"""What requests may name: images, recordings, a model, ended tasks; and what they may not."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tests.security.fuzzing.known import KEPT, OUTPUT
from tests.security.fuzzing.watched import Watched
from tests.support import sigmf_files
from tests.support.images import CLASSES, write_image
from tests.support.iq_samples import interleaved
from tests.support.signals import noise

OUTPUTS = 400
VALID = "valid.json"
RATE_HZ = 1e6


def fill(root: Path, outside: Path) -> None:
    """Small: everything in it is processed again and again."""
    rng = np.random.default_rng(1)
    for part, count in (("train", 3), ("val", 2)):
        for name in CLASSES:
            for index in range(count):
                write_image(root / "dataset" / part / name / f"{index}.png", name, rng)
    for name in CLASSES:
        (root / "recordings" / name).mkdir(parents=True)
        sigmf_files.write(root / "recordings" / name, interleaved(noise(100_000)), "cf32_le", sample_rate=RATE_HZ)
    (root / "broken.yaml").write_text("a: [")
    (root / "notes.txt").write_text("no image")
    (root / "link").symlink_to(outside)
    (root / "linked.png").symlink_to(outside / "secret.txt")


def run_tasks(service: Watched, root: Path) -> None:
    """Tasks of three kinds that have ended, and the folder `model`."""
    data, results = root / "dataset", root / "results"
    with service.as_admin() as http:

        def ended(route: str, task_id: str, **fields: object) -> Any:
            answer = http.post(f"/api/v2/{route}", json={"task_id": task_id, **fields})
            assert answer.status_code == 200, answer.text
            # The stream ends with the task.
            http.get(f"/api/v2/tasks/{task_id}/logs", headers={"Accept": "text/event-stream"}, timeout=120)
            task = http.get(f"/api/v2/tasks/{task_id}").json()
            assert task["status"] == "completed", task
            return task["result"]

        trained = ended(
            "training/start",
            "trained",
            model="mobilenet_v3_small",
            num_classes=len(CLASSES),
            train_path=str(data / "train"),
            val_path=str(data / "val"),
            save_path=str(results / "t"),
            num_epochs=1,
            image_size=32,
            device="cpu",
            pretrained=False,
        )
        model = {
            "cfg_path": trained["files"]["config"],
            "weight_path": trained["files"]["best_model"],
            "device": "cpu",
        }
        sources = {"images": data / "val", "recordings": root / "recordings"}
        drawn = {"style": "peak", "stft_points": 128, "duration_s": 0.02}
        for task_id, source in sources.items():
            save_path = str(results / task_id)
            ended("inference/start", task_id, **model, **drawn, source_path=str(source), save_path=save_path)
        ended("preprocessing/split", "split", input_path=str(data / "train"), output_path=str(results / "split"))
    shutil.copytree(results / "t", root / "model")


def lists(folder: Path, root: Path, service: Watched) -> None:
    """Write the lists that `schemathesis.toml` names."""
    beside = service.folder / "beside"
    outside: list[Path | str] = [
        beside,
        beside / "secret.txt",
        root / ".." / "beside" / "secret.txt",
        service.home / ".netrc",
    ]
    outside += [root / "link", root / "link" / "secret.txt", root / "linked.png"]
    outside += [service.state_dir, service.state_dir / "rfuav.db", service.key_file]
    outside += ["/etc/passwd", "/etc", "/", "/root", "/proc/self/environ", "/proc/self/fd/1", "/dev/zero"]
    outside += ["~/.netrc", "~root/.ssh", "file:///etc/passwd"]
    data = root / "dataset"
    one = Path("train", CLASSES[0])
    inside: list[Path | str] = [data, data / "train", data / "val", data / one, data / one / "0.png"]
    inside += [
        "dataset/train",
        "dataset/val",
        root / "recordings",
        root / "recordings" / CLASSES[0] / "a.sigmf-meta",
        "recordings",
    ]
    inside += [root / "notes.txt", root / "none"]
    files = [root / "model" / name for name in ("model.yaml", "best_model.pth")]
    values: dict[str, list[Path | str]] = {
        # The ones inside come oftener.
        "inputs": [*inside, *inside, *outside],
        "classes": [*[data / "train", data / "val"] * 5, *inside, *outside],
        "outputs": [*(root / "out" / str(number) for number in range(OUTPUTS)), *outside],
        "configs": [*[files[0]] * 20, root / "broken.yaml", *outside],
        "weights": [*[files[1]] * 20, root / "notes.txt", *outside],
        "tasks": [*KEPT, "unknown"],
        "artifacts": ["best_model.pth", "model.yaml", "predictions.csv", "predictions.json", "../x", "..%2fx"],
    }
    for name, entries in values.items():
        (folder / f"{name}.txt").write_text("".join(f"{json.dumps(str(entry))}\n" for entry in entries))
    (folder / VALID).write_text(json.dumps(_accepted(root)))


def _accepted(root: Path) -> dict[str, dict[str, object]]:
    """The fields by which a request of each route is accepted, whatever the others are."""
    data, recordings, out = str(root / "dataset"), str(root / "recordings"), str(root / "out" / OUTPUT)
    model = {
        "cfg_path": str(root / "model" / "model.yaml"),
        "weight_path": str(root / "model" / "best_model.pth"),
        "device": "cpu",
    }
    drawn = {
        "sample_rate_hz": RATE_HZ,
        "stft_points": 128,
        "duration_s": 0.02,
        "data_type": None,
        "variable": None,
    }
    training = {"model": "mobilenet_v3_small", "num_classes": len(CLASSES), "device": "cpu", "pretrained": False}
    folders = {"train_path": f"{data}/train", "val_path": f"{data}/val", "save_path": out, "weight_path": ""}
    unset = dict.fromkeys(("layout", "snr_sweep", "unknown_path", "calibration_path", "name"))
    starts: dict[str, dict[str, object]] = {
        "training/start": {**training, **folders, "name": None},
        "inference/start": {**model, **drawn, "source_path": recordings, "save_path": out, "name": None},
        "inference/batch": {**model, **drawn, "source_paths": [recordings, f"{data}/val"], "save_base_path": out},
        "evaluation/start": {
            **model,
            **drawn,
            **unset,
            "data_path": f"{data}/val",
            "save_path": out,
            "name": None,
        },
        "preprocessing/audit": {"dataset_path": data, "train_path": None, "val_path": None, "save_path": out},
        "preprocessing/split": {"input_path": f"{data}/train", "output_path": out, "val_ratio": None},
        "preprocessing/augment": {"dataset_path": data, "output_path": out},
        "preprocessing/crop": {"input_path": data, "output_path": out, "x": 0, "y": 0},
        "preprocessing/spectrogram": {**drawn, "db_range": None, "input_path": recordings, "output_path": out},
    }
    # An id in use is 409.
    return {f"/api/v2/{route}": {**fields, "task_id": None} for route, fields in starts.items()}
