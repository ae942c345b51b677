"""A real Prometheus reads a real service with our files. Each expression of the Grafana dashboard has a value."""

import json
import math
import operator
import shutil
import subprocess
import tempfile
from pathlib import Path

import httpx2
import pytest
import yaml

from rfuav_ray.client import RFUAVClient, ServiceError
from rfuav_ray.machine.hardware import read_gpus
from rfuav_ray.machine.ports import free_port
from serve_app.view.figures import GPU_METRICS
from tests.support.project import ROOT
from tests.support.waiting import ask_until

DASHBOARD = json.loads((ROOT / "configs" / "grafana" / "rfuav.json").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((ROOT / "configs" / "prometheus.yaml").read_text(encoding="utf-8"))
KEY = "secret-of-the-test"
#: these have no value without a GPU
NEED_A_GPU = set(GPU_METRICS)
#: what Grafana puts there depends on the scrape interval
RATE_INTERVAL = "20s"
WITHIN_S = 90.0

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="prometheus is not installed: `apt-get install prometheus`"
    ),
]


@pytest.fixture
def ray_folder(monkeypatch):
    """Where Ray keeps its files, also the list of its nodes for Prometheus. Sockets need a short path."""
    folder = Path(tempfile.mkdtemp(prefix="prom"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder / "ray"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def busy_client(ray_folder, own_service, training):
    """A client of a service that needs a key and trains."""
    _, keyless = own_service(api_keys=KEY)
    with RFUAVClient(keyless.base_url, api_key=KEY) as client:
        task_id = client.start_training(**training(num_epochs=100_000))["task_id"]
        assert any(entry.get("stage") == "epoch_end" for entry in client.stream_training_logs(task_id))
        yield client


@pytest.fixture
def prometheus(busy_client, ray_folder, tmp_path):
    """The URL of a Prometheus that reads this service as our file says, only more often."""
    rfuav, ray = CONFIG["scrape_configs"]
    (tmp_path / "rfuav-key").write_text(KEY)
    rfuav["static_configs"][0]["targets"] = [busy_client.base_url.removeprefix("http://")]
    (nodes,) = ray["file_sd_configs"][0]["files"]
    ray["file_sd_configs"][0]["files"] = [nodes.replace("/tmp/ray", str(ray_folder))]
    config = tmp_path / "prometheus.yaml"
    config.write_text(yaml.safe_dump(CONFIG | {"global": {"scrape_interval": "2s"}}))
    address = f"127.0.0.1:{free_port()}"
    with (tmp_path / "prometheus.txt").open("w") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    yield f"http://{address}"
    process.terminate()
    process.wait(30)


def expressions():
    """Every expression of the dashboard."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    assert len(found) > 20
    return [expression.replace("$__rate_interval", RATE_INTERVAL) for expression in found]


def values(prometheus, expression):
    """What Prometheus answers, without what is not a number; empty while it starts."""
    try:
        response = httpx2.get(f"{prometheus}/api/v1/query", params={"query": expression})
    except httpx2.ConnectError:
        return []
    if response.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
        return []
    answer = response.json()
    assert answer["status"] == "success", answer
    numbers = [float(series["value"][1]) for series in answer["data"]["result"]]
    return [number for number in numbers if not math.isnan(number)]


def make_requests(client):
    client.get_all_tasks()
    with pytest.raises(ServiceError):
        client.get_task("unknown")


def test_prometheus_every_expression_of_the_dashboard_has_a_value_while_a_training_runs(busy_client, prometheus):
    without = set(expressions())
    if not read_gpus()["available"]:
        without -= NEED_A_GPU

    def still_without():
        """Prometheus scrapes from time to time and tells nobody."""
        make_requests(busy_client)
        without.intersection_update({one for one in without if not values(prometheus, one)})
        return without

    assert ask_until(operator.not_, still_without, within_s=WITHIN_S) == set()
    assert values(prometheus, 'up{job="rfuav"}') == [1.0]
    assert values(prometheus, 'sum(rfuav_tasks{kind="training",status="running"})') == [1.0]
