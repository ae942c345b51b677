"""The service without its fork server: WARM_WORKERS=off."""

import pytest

from rfuav_ray.client import RFUAVClient
from tests.support.service_process import ServiceProcess, title_of

pytestmark = pytest.mark.timeout(300)


def test_service_runs_trainings_without_the_fork_server(tmp_path, root, training):
    with ServiceProcess(tmp_path / "service", root, warm_workers="off") as service:
        service.start()
        with RFUAVClient(service.url) as client:
            task_id = client.start_training(**training(num_epochs=1))["task_id"]
            assert client.wait(task_id, timeout=200)["status"] == "completed"
        assert not any("fork_server" in title_of(process) for process in service.processes())
