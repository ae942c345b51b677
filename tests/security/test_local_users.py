"""Another user of the machine, `nobody`, finds nothing of a running service that it can read, change or call."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from rfuav_ray.client import RFUAVClient
from tests.support.images import CLASSES, write_image
from tests.support.other_user import NOBODY, attempts
from tests.support.service_process import ServiceProcess

pytestmark = [
    pytest.mark.security,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]
KEY = "a-key-that-nobody-knows"


@pytest.fixture
def folder():
    """A folder that every user can open, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="rf-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def service(folder):
    (folder / "data").mkdir()
    with ServiceProcess(folder / "service", folder / "data", api_keys=KEY) as found:
        Path(found.ray_folder).chmod(0o755)  # Ray's own folders get a private one in it
        found.start()
        yield found


def listening_ports(processes):
    ports = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            ports |= {at.laddr.port for at in process.net_connections("tcp") if at.status == psutil.CONN_LISTEN}
    return ports


def environment(process):
    try:
        return process.environ()
    except psutil.Error:
        return {}


def test_nobody_reads_writes_and_calls_nothing(service, folder):
    rng = np.random.default_rng(1)
    for name in CLASSES:
        for number in range(10):
            write_image(folder / "data" / "images" / name / f"{number}.png", name, rng)
    with RFUAVClient(service.url, api_key=KEY) as client:
        task = client.split_dataset(str(folder / "data" / "images"), str(folder / "data" / "split"))
        assert client.wait(task["task_id"], timeout=120)["status"] == "completed"
    processes = service.processes()
    first = min(processes, key=psutil.Process.create_time)
    ports = listening_ports(processes)
    haproxy = [str(path) for path in Path("/tmp").glob(f"rfuav-{os.geteuid()}-*")]
    service.log.chmod(0o600)  # the shell that redirects the output makes this file
    folders = [str(folder / "service"), service.ray_folder, *haproxy]
    assert len(ports) > 8 and haproxy and any(Path(service.ray_folder).rglob("plasma_store"))

    found = attempts(folders, [process.pid for process in processes], ports)
    assert found == {"files": [], "sockets": [], "ports": []}
    shared = [file for file in Path("/dev/shm").iterdir() if file.stat().st_mtime > first.create_time()]
    assert [file for file in shared if file.is_file() and file.stat().st_mode & 0o077] == []
    # No environment of Ray's processes has the keys.
    own = {first.pid, *(child.pid for child in first.children())}
    assert [process for process in processes if process.pid not in own and KEY in str(environment(process))] == []
    # The results belong to the lab: they have the modes of the user's umask.
    results = [*(folder / "data" / "split").rglob("*.png")]
    assert results and all(file.stat().st_mode & 0o044 == 0o044 for file in results)


@pytest.mark.parametrize("setting", ["STATE_DIR", "LOG_FILE", "RAY_TMPDIR"])
def test_start_in_a_folder_of_another_user_is_refused(folder, setting):
    planted = folder / "planted"
    planted.mkdir()
    chosen = {"STATE_DIR": {"state_dir": planted}, "LOG_FILE": {"log_file": planted / "app.log"}}
    with ServiceProcess(folder / "service", folder, **chosen.get(setting, {})) as service:
        if setting == "RAY_TMPDIR":
            planted = Path(service.ray_folder)
        os.chown(planted, NOBODY, NOBODY)
        service.launch()
        assert service.wait(60) == 1
        assert f"{setting}: '{planted}' belongs to the user nobody" in service.log.read_text()
