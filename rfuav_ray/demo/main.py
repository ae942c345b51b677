"""The demo: spectrograms, split, augmentation, training and inference on simulated recordings, and the results."""

import json
import signal
import time
from itertools import count
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from rfuav_ray.api.results import Prediction, Predictions
from rfuav_ray.client import RFUAVClient
from rfuav_ray.client.log_lines import log_line
from rfuav_ray.demo.data import CLASSES, STFT, make_recordings
from rfuav_ray.demo.service import own_service
from rfuav_ray.errors import InvalidInput, RfuavError, RunError

STOPPED_BY_CTRL_C = 130
EXAMPLES_SHOWN = 8
AUGMENTED_BY = ["GaussNoise"]
#: the paths in the demo folder, by description
FILES = {
    "recordings": "recordings",
    "spectrograms": "pictures",
    "data set": "dataset",
    "augmented": "augmented",
    "unseen": "unseen",
    "audit": "audit/audit.json",
    "training": "training",
    "curves": "training/curves.png",
    "predictions": "predictions/predictions.csv",
    "log": "logs/app.log",
}


def run(
    folder: Path,
    console: Console,
    *,
    epochs: int = 5,
    image_size: int = 96,
    known_recordings: int = 25,
    unseen_recordings: int = 8,
) -> int:
    """Run the whole demo, and return the exit status.

    Args:
        folder: Receives all files. If it is not empty, `folder-2`, `folder-3`, … is used instead.
        console: Shows the progress and the results.
        epochs: Length of the training.
        image_size: Side of the model's input, pixels.
        known_recordings: Recordings of each class for training and validation, of two spectrograms each.
        unseen_recordings: Recordings of each class for the inference.
    """
    started = time.monotonic()
    recordings = {"known": known_recordings, "unseen": unseen_recordings}
    # `kill` and `timeout` send SIGTERM. The service must stop then too, as with ctrl-C.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        folder = _new_folder(folder)
        console.print(Text(f"Files of this demo: {folder}"), soft_wrap=True)
        _simulate(folder, recordings, console)
        console.print("Starting the service.")
        with own_service(folder) as client:
            device = "cuda" if client.get_gpu_info()["available"] else "cpu"
            _prepare(client, folder, console)
            _audit(client, folder, console)
            training = _train(client, folder, console, device=device, epochs=epochs, image_size=image_size)
            rows = _infer(client, folder, console, device=device)
            console.print("Stopping the service.")
    except RfuavError as error:
        console.print(Text(f"Error: {error}", style="bold red"), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return STOPPED_BY_CTRL_C
    finally:
        signal.signal(signal.SIGTERM, previous)
    _show_predictions(console, rows)
    console.print(f"Validation accuracy, best epoch: {training['latest_metrics']['best_acc']:.1f} %")
    for what, where in FILES.items():
        console.print(Text(f"{what + ':':<14}{folder / where}"), soft_wrap=True)
    console.print(f"Done in {time.monotonic() - started:.0f} s.")
    return 0


def _new_folder(wanted: Path) -> Path:
    """Create and return the folder, or the first numbered sibling that is new or empty. Never deletes anything."""
    wanted = wanted.expanduser().resolve()
    if "," in str(wanted):
        raise InvalidInput("folder", f"'{wanted}' contains a comma, which separates DATA_ROOTS; choose another.")
    for number in count(1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            break
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _simulate(folder: Path, recordings: dict[str, int], console: Console) -> None:
    total = len(CLASSES) * sum(recordings.values())
    console.print(f"Simulating {total} recordings of {len(CLASSES)} kinds of drone signals, -5 to 20 dB SNR.")
    with _progress(console) as progress:
        bar = progress.add_task("recordings", total=total)
        for done in make_recordings(folder / "recordings", recordings):
            progress.update(bar, completed=done)


def _prepare(client: RFUAVClient, folder: Path, console: Console) -> None:
    """Turn the recordings into data sets: spectrograms, split and augmentation."""
    console.print("Drawing the spectrograms, splitting them, and augmenting the data set.")
    console.print(
        f"Their style is '{STFT.style}': models that were trained on images of RFUAV's own tool know it."
    )
    drawing: dict[str, Any] = STFT.model_dump(exclude={"sample_rate_hz"})  # the SigMF metadata has it
    recordings, pictures, dataset = folder / "recordings", folder / "pictures", folder / "dataset"
    with _progress(console) as progress:

        def follow(what: str, task: dict[str, Any]) -> None:
            bar = progress.add_task(what, total=100)
            for _ in client.stream_logs(task["task_id"]):
                progress.update(bar, completed=client.get_task(task["task_id"])["progress"])
            _completed(client, task["task_id"])

        follow("spectrograms", client.make_spectrograms(recordings / "known", pictures, **drawing))
        follow("unseen", client.make_spectrograms(recordings / "unseen", folder / "unseen", **drawing))
        follow("split", client.split_dataset(pictures, dataset, train_ratio=0.8))
        follow(
            "augmentation", client.augment_dataset(dataset, output_path=folder / "augmented", methods=AUGMENTED_BY)
        )


def _audit(client: RFUAVClient, folder: Path, console: Console) -> None:
    """Print whether training and validation share recordings."""
    task = client.audit_dataset(
        train_path=folder / "augmented" / "train",
        val_path=folder / "dataset" / "valid",
        save_path=folder / "audit",
    )
    stats = _completed(client, task["task_id"])["result"]["stats"]
    console.print(Text(f"Audit of the data: {stats['verdict']}. {' '.join(stats['sentences'])}"), soft_wrap=True)


def _train(
    client: RFUAVClient, folder: Path, console: Console, *, device: str, epochs: int, image_size: int
) -> dict[str, Any]:
    console.print(f"Training a resnet18 on {device}, from random weights.")
    task = client.start_training(
        "resnet18",
        len(CLASSES),
        folder / "augmented" / "train",
        folder / "dataset" / "valid",
        folder / "training",
        batch_size=16,
        num_epochs=epochs,
        learning_rate=1e-3,
        image_size=image_size,
        device=device,
        pretrained=False,
    )
    with _progress(console) as progress:
        bar = progress.add_task("epochs", total=epochs)
        for entry in client.stream_training_logs(task["task_id"]):
            at_end = entry.get("stage") == "epoch_end"
            if at_end or entry["level"] != "INFO":
                progress.console.print(log_line(entry), soft_wrap=True)
            if at_end:
                progress.update(bar, completed=entry["step"])
    return _completed(client, task["task_id"])


def _infer(client: RFUAVClient, folder: Path, console: Console, *, device: str) -> list[Prediction]:
    console.print("Classifying recordings that were not used for training.")
    task = client.start_inference(
        folder / "training" / "model.yaml",
        folder / "training" / "best_model.pth",
        folder / "unseen",
        save_path=folder / "predictions",
        device=device,
    )
    _completed(client, task["task_id"])
    content: Predictions = json.loads((folder / "predictions" / "predictions.json").read_text(encoding="utf-8"))
    return content["predictions"]


def _completed(client: RFUAVClient, task_id: str) -> dict[str, Any]:
    task = client.wait(task_id)
    if task["status"] != "completed":
        raise RunError(f"Task {task_id} {task['status']}: {task['error'] or task['message']}")
    return task


def _show_predictions(console: Console, rows: list[Prediction]) -> None:
    by_class = Table("class", "right", "wrong", title="Unseen recordings", title_justify="left")
    for name in CLASSES:
        hits = [_is_right(row) for row in rows if _truth(row) == name]
        by_class.add_row(name, str(sum(hits)), str(len(hits) - sum(hits)))
    console.print(by_class)
    right = sum(map(_is_right, rows))
    console.print(f"{right} of {len(rows)} right ({100 * right / len(rows):.1f} %)")
    examples = Table("image", "predicted", "probability", title="Wrong or least certain", title_justify="left")
    for row in sorted(rows, key=lambda row: (_is_right(row), row["probability"]))[:EXAMPLES_SHOWN]:
        style = "" if _is_right(row) else "red"
        examples.add_row(row["file"], row["class_name"], f"{row['probability']:.2f}", style=style)
    console.print(examples)


def _truth(row: Prediction) -> str:
    """Return the true class of the image: the name of its folder."""
    return row["file"].split("/", maxsplit=1)[0]


def _is_right(row: Prediction) -> bool:
    return row["class_name"] == _truth(row)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description} {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(bar_width=32),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
