"""Files that claim to be huge, and take no space on the disk: one file fails, and a task can be cancelled."""

import os
import shutil

import numpy as np
import pytest

from tests.security.folders import draw, ended, images, start
from tests.support.images import CLASSES

TERABYTE = 10**12


@pytest.fixture
def source(inside, dataset):
    """Images, of which two claim a terabyte, one 12 GB and one half a gigabyte."""
    folder = images(inside / "set", dataset)
    first = folder / CLASSES[0]
    for name, size in (("terabyte", TERABYTE), ("large", 12 * 10**9), ("padded", 500_000_000)):
        shutil.copy(first / "0.png", first / f"{name}.png")
        os.truncate(first / f"{name}.png", size)
    (first / "empty.png").touch()
    os.truncate(first / "empty.png", TERABYTE)
    return folder


FALSE = ("terabyte.png", "large.png", "padded.png", "empty.png")


@pytest.mark.parametrize("route", ["split", "crop", "augment"])
def test_false_sizes_of_images_cost_one_image_each(service, client, inside, source, route):
    out = inside / "out"
    all_fields: dict[str, dict[str, object]] = {
        "split": {"input_path": str(source)},
        "crop": {"input_path": str(source), "x": 0, "y": 0, "width": 8, "height": 8},
        "augment": {"dataset_path": str(inside)},
    }
    fields = all_fields[route]
    if route == "augment":
        source.rename(inside / "train")
        out = inside.with_suffix(".out")
    task, warnings = ended(client, start(service, f"preprocessing/{route}", **fields, output_path=str(out)))
    assert task["status"] == "completed" and task["result"]["stats"]["failed"] == len(FALSE), task
    assert all(any(name in warning and "larger than" in warning for warning in warnings) for name in FALSE)
    assert sum(file.stat().st_blocks * 512 for file in out.rglob("*")) < 100_000_000


def test_false_sizes_of_images_are_left_out_of_a_training(client, training, source):
    task, _ = ended(client, client.start_training(**training(train_path=str(source)))["task_id"])
    assert task["status"] == "completed" and task["result"]["unreadable"] == len(FALSE)


def test_false_sizes_of_images_are_failures_of_an_inference(client, inference, source, inside):
    fields = inference(source_path=str(source), save_path=str(inside / "out"))
    task, warnings = ended(client, client.start_inference(**fields)["task_id"])
    assert task["status"] == "completed", task
    assert all(any(name in warning for warning in warnings) for name in FALSE)


@pytest.mark.parametrize("suffix", [".csv", ".sigmf-meta", ".wav", ".mat", ".sigmf", ".npy", ".h5"])
def test_false_sizes_of_recordings_cost_one_recording(service, client, inside, suffix):
    np.exp(0.3j * np.arange(300_000)).astype(np.complex64).tofile(inside / "good.iq")
    huge = inside / f"huge{suffix}"
    huge.write_bytes({".csv": b"1,2\n" * 2000, ".wav": b"RIFF\0\0\0\0WAVE", ".npy": b"\x93NUMPY"}.get(suffix, b""))
    os.truncate(huge, TERABYTE)
    task, _ = ended(client, draw(service, inside, inside.with_name(f"{inside.name}.out")))
    assert task["status"] == "completed" and task["result"]["stats"]["recordings"] >= 1, task


def test_false_sizes_a_task_with_an_endless_spectrogram_can_be_cancelled(service, client, inside):
    (inside / "huge.iq").touch()
    os.truncate(inside / "huge.iq", TERABYTE)
    endless = {"sample_rate_hz": 1e8, "stft_points": 1024, "duration_s": 500}
    task_id = draw(service, inside, inside.with_name("endless.out"), **endless)
    events = client.stream_logs(task_id)
    next(event for event in events if "Drawing" in event.get("message", ""))
    client.cancel_task(task_id)
    task, _ = ended(client, task_id)
    assert task["status"] == "cancelled"
    # It stopped by itself: a run that is killed leaves its folder as it is.
    assert not inside.with_name("endless.out").exists()
