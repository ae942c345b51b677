"""A disk that is slow, and one that is full, while a run reports."""

import json
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from rfuav_ray.client import RFUAVClient, ServiceError
from tests.support.epochs import epochs_reported, wait_for_epoch
from tests.support.service_process import ServiceProcess
from tests.support.small_disk import FILLER, fill, mounting

EPOCHS = 40
#: several reports of the run
STANDS_S = 12

pytestmark = pytest.mark.timeout(400)


def see_one_whole_history(service, client, task_id):
    """The task completes, and its log has each epoch and each number once."""
    assert client.wait(task_id, timeout=200)["status"] == "completed"
    assert epochs_reported(client, task_id) == list(range(1, EPOCHS + 1))
    with httpx2.stream("GET", f"{service.url}/api/v2/training/{task_id}/logs", timeout=120) as answer:
        lines = list(answer.iter_lines())
    numbers = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert json.loads(lines[-2].removeprefix("data: "))["status"] == "completed"


def reads_for(client, task_id, seconds):
    """Read the status all this time. Returns the longest time that an answer took."""
    slowest_s, until_s = 0.0, time.monotonic() + seconds
    while time.monotonic() < until_s:
        started_s = time.monotonic()
        client.get_task(task_id)
        slowest_s = max(slowest_s, time.monotonic() - started_s)
    return slowest_s


def test_service_loses_nothing_on_a_full_disk(tmp_path, root, training):
    (tmp_path / "service").mkdir()
    with mounting(tmp_path / "service" / "state") as mount:
        disk = mount(16)
        with ServiceProcess(tmp_path / "service", root) as service, RFUAVClient(service.url) as client:
            service.start()
            task_id = client.start_training(**training(num_epochs=EPOCHS))["task_id"]
            wait_for_epoch(client, task_id, 2)
            fill(disk)
            reads_for(client, task_id, STANDS_S)
            with pytest.raises(ServiceError, match="Free some space") as error:
                client.start_training(**training(num_epochs=1))
            assert error.value.status_code == 503
            (disk / FILLER).unlink()
            see_one_whole_history(service, client, task_id)
            assert "No space" not in "".join(entry["message"] for entry in client.get_logs(task_id))


def test_service_loses_nothing_while_each_flush_takes_five_seconds(tmp_path, root, training, monkeypatch):
    library, mark = tmp_path / "slow_fsync.so", tmp_path / "is-slow"
    source = Path(__file__).with_name("slow_fsync.c")
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    except FileNotFoundError:
        pytest.skip("a slow disk needs a C compiler here: there is no `cc`")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("SLOW_FSYNC", str(mark))
    with ServiceProcess(tmp_path / "service", root) as service, RFUAVClient(service.url) as client:
        service.start()
        task_id = client.start_training(**training(num_epochs=EPOCHS))["task_id"]
        wait_for_epoch(client, task_id, 2)
        mark.touch()
        assert reads_for(client, task_id, STANDS_S) < 5
        # It is on disk when it is answered. This also shows that flushes are slow.
        asked_s = time.monotonic()
        second = client.start_training(**training(num_epochs=1))["task_id"]
        assert time.monotonic() - asked_s > 5
        assert client.get_task(second)["status"] in {"pending", "running"}
        assert client.cancel_task(second)["status"] == "success"
        mark.unlink()
        see_one_whole_history(service, client, task_id)
        assert client.wait(second, timeout=60)["status"] in {"cancelled", "completed"}
