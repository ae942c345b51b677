"""Preprocessing that is cancelled, or loses its processes in the middle."""

import os
import re
import signal
from itertools import islice

import cv2
import numpy as np
import psutil
import pytest

from rfuav_ray.outputs.manifest import FINISHED_FILE, RUN_FOLDER, read_finished
from tests.support.processes import wait_for_output

IMAGES = 500
METHODS = ["AdvancedBlur", "ISONoise"]
WAIT_S = 120


@pytest.fixture(scope="module")
def many(root):
    """A data set that takes some seconds to augment."""
    rng = np.random.default_rng(2)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (400, 400, 3), dtype=np.uint8), (0, 0), 2)
    for number in range(IMAGES):
        path = root / "many" / "train" / "drone" / f"{number:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), np.roll(picture, number, axis=1))
    return root / "many"


def files_in(path):
    return [file for file in path.rglob("*.jpg") if not file.name.startswith(".")]


def wait_until_in_the_middle(output):
    """Wait until the run has noted the first images as finished. Many are left then."""
    wait_for_output(output / RUN_FOLDER / FINISHED_FILE, "[")


def wait_for_start(client, task_id):
    assert [entry["message"] for entry in islice(client.stream_logs(task_id), 2)][1] == "Starting on cpu."


def finished(output):
    """The numbers of the images whose files a later run does not make again."""
    return set(read_finished(output / RUN_FOLDER))


def workers():
    """The processes of this test session's Ray that are making files.

    Forks, whose server may be nobody's child any more.
    """
    return [process for process in psutil.process_iter() if is_working(process)]


def is_working(process):
    try:
        is_ours = os.getsid(process.pid) == os.getsid(0)
        return is_ours and "MapBatches" in " ".join(process.cmdline())
    except (psutil.Error, OSError):  # it ended
        return False


def test_cancel_stops_preprocessing_and_removes_its_files(client, many, root):
    task_id = client.augment_dataset(many, output_path=root / "cancelled", methods=METHODS)["task_id"]
    wait_until_in_the_middle(root / "cancelled")
    client.cancel_task(task_id)
    assert client.wait(task_id, timeout=WAIT_S)["status"] == "cancelled"
    assert not (root / "cancelled").exists()
    again = client.augment_dataset(many, output_path=root / "cancelled", methods=["ColorJitter"])
    assert client.wait(again["task_id"], timeout=WAIT_S)["status"] == "completed"
    assert len(files_in(root / "cancelled")) == 2 * IMAGES


@pytest.mark.long
def test_preprocessing_loses_nothing_with_a_killed_worker(client, many, root):
    task_id = client.augment_dataset(many, output_path=root / "worker-killed", methods=METHODS)["task_id"]
    wait_until_in_the_middle(root / "worker-killed")
    os.kill(workers()[0].pid, signal.SIGKILL)
    ended = client.wait(task_id, timeout=WAIT_S)
    assert ended["status"] == "completed" and ended["result"]["stats"]["failed"] == 0
    assert ended["result"]["stats"]["augmented_images"] == 2 * IMAGES
    assert len(files_in(root / "worker-killed")) == 3 * IMAGES


@pytest.mark.long
def test_preprocessing_resumes_a_killed_run(client, many, root):
    output = root / "run-killed"
    task_id = client.augment_dataset(many, output_path=output, methods=METHODS)["task_id"]
    wait_until_in_the_middle(output)
    started = next(e["message"] for e in client.stream_logs(task_id) if "started in process" in e["message"])
    os.kill(int(re.search(r"process (\d+)", started).group(1)), signal.SIGKILL)
    names = [f"train/drone/{number:03}_{method}.jpg" for number in finished(output) for method in METHODS]
    before = {output / name: (output / name).stat().st_mtime_ns for name in names}
    ended = client.wait(task_id, timeout=WAIT_S)
    assert ended["status"] == "completed" and ended["result"]["stats"]["augmented_images"] == 2 * IMAGES
    assert any("Queued again" in entry["message"] for entry in client.get_logs(task_id))
    assert len(files_in(output)) == 3 * IMAGES
    assert all(file.stat().st_mtime_ns == moment for file, moment in before.items())


def test_preprocessing_fails_on_the_output_of_another_task(client, many, root):
    tasks = [client.augment_dataset(many, output_path=root / "both", methods=["Sharpen"]) for _ in range(2)]
    first, second = (client.wait(task["task_id"], timeout=WAIT_S) for task in tasks)
    assert first["status"] == "completed"
    assert second["status"] == "failed" and "already holds files" in second["error"]
    assert len(files_in(root / "both")) == 2 * IMAGES


def test_preprocessing_has_its_own_slots(client, many, root, training):
    tasks = [
        client.augment_dataset(many, output_path=root / f"slots-{number}", methods=METHODS)["task_id"]
        for number in range(2)
    ]
    wait_for_start(client, tasks[0])
    assert client.get_task(tasks[1])["status"] == "pending"
    trainings = [client.start_training(**training(num_epochs=500))["task_id"] for _ in range(2)]
    for task_id in trainings:
        wait_for_start(client, task_id)
    assert client.get_task(tasks[1])["status"] == "pending"
