"""`serve deploy configs/serve.yaml`: the service as an application of a cluster's Ray Serve."""

import json
import subprocess
import sys
import threading

import httpx2
import pytest
import yaml

from rfuav_ray.client import RFUAVClient, ServiceError
from rfuav_ray.demo.service import wait_until_healthy
from rfuav_ray.machine.ports import free_port
from tests.cluster.cluster_service import new_environment
from tests.cluster.ray_head import cluster_env, started_head
from tests.support.epochs import epochs_reported

#: more than it has time for
EPOCHS = 5000

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("deployed")


@pytest.fixture(scope="module")
def environment(folder, root):
    with new_environment(folder, root) as variables:
        yield cluster_env(variables)


@pytest.fixture(scope="module")
def head(environment, folder):
    with started_head(environment, folder) as ray_head:
        yield ray_head


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def settings(folder, root):
    return {
        "RFUAV_STATE_DIR": str(folder / "state"),
        "RFUAV_LOG_FILE": str(folder / "app.log"),
        "RFUAV_DATA_ROOTS": str(root),
    }


@pytest.fixture(scope="module")
def client(head, settings, port):
    assert head.deploy(settings, port)["status"] == "RUNNING"
    with RFUAVClient(f"http://127.0.0.1:{port}") as rfuav_client:
        wait_until_healthy(rfuav_client, head.process, head.folder / "ray.txt")
        yield rfuav_client


@pytest.fixture
def task_id(client, training):
    started = client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"]
    next(entry for entry in client.stream_logs(started) if "Epoch 1/" in entry["message"])
    yield started
    if client.get_task(started)["status"] == "running":
        client.cancel_task(started)
        client.wait(started, timeout=60)


def epoch_after(client, task_id, epoch):
    return next(
        entry for entry in client.stream_logs(task_id) if entry["message"].startswith(f"Epoch {epoch + 1}/")
    )


def test_deployed_service_is_seen_by_serve_and_the_dashboard(head, client):
    assert client.health()["status"] == "healthy"
    assert head.status()["docs_path"] == "/docs"
    assert "ok     Ray has the environment" in head.call("rfuav", "doctor")


def test_a_job_sends_its_task_to_the_service(head, client, dataset, root):
    variables = {"env_vars": {"RFUAV_URL": client.base_url}}
    words = [sys.executable, "-m", "rfuav_ray", "split", dataset / "train", root / "by-a-job"]
    options = ["--address", head.url, "--runtime-env-json", json.dumps(variables)]
    printed = head.call("ray", "job", "submit", *options, "--", *words)
    (task,) = client.get_all_tasks()["preprocessing_tasks"]
    assert task["task_id"] in printed and task["status"] == "completed"
    assert list((root / "by-a-job").glob("train/*/*.png"))


def test_redeploy_in_the_middle_of_a_stream_loses_nothing(head, client, task_id, settings, port):
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(client.stream_logs(task_id)), daemon=True)
    reader.start()
    # Two replicas, and a setting for which the task manager starts anew.
    found = head.deploy(settings | {"RFUAV_MAX_RUN_RETRIES": "1"}, port, replicas=2)
    assert found["status"] == "RUNNING"
    assert found["deployments"]["api"]["target_num_replicas"] == 2
    epoch_after(client, task_id, client.get_task(task_id)["current_epoch"])
    client.cancel_task(task_id)
    assert client.wait(task_id, timeout=60)["status"] == "cancelled"
    reader.join(60)
    assert not reader.is_alive()
    assert [entry["message"] for entry in seen] == [entry["message"] for entry in client.get_logs(task_id)]
    epochs = epochs_reported(client, task_id)
    assert epochs == list(range(1, len(epochs) + 1))
    assert not any("Queued again" in entry["message"] for entry in seen)


def test_runs_outlive_serve_and_the_next_deployment_takes_them_up(head, client, task_id, settings, port):
    head.call("serve", "shutdown", "-y", "--address", head.url)
    assert head.deploy(settings, port)["status"] == "RUNNING"
    wait_until_healthy(client, head.process, head.folder / "ray.txt")
    task = client.get_task(task_id)
    assert task["status"] == "running"
    epoch_after(client, task_id, task["current_epoch"])
    assert not any("Queued again" in entry["message"] for entry in client.get_logs(task_id))


def test_a_deployed_service_keeps_its_state_folder(head, client, settings):
    refused = subprocess.run(
        [sys.executable, "-m", "serve_app", "serve"],
        env=head.environment | {"RFUAV_STATE_DIR": settings["RFUAV_STATE_DIR"]},
        cwd=head.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert refused.returncode == 1
    assert "Another service uses" in refused.stderr + refused.stdout
    assert client.health()["status"] == "healthy"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RFUAV_STATE_DIR": "state"}, "Set STATE_DIR to an absolute path on the head node"),
        ({"RFUAV_MAX_RUN_RETRIES": "-1"}, "MAX_RUN_RETRIES"),
    ],
)
def test_wrong_settings_are_named(head, client, settings, port, change, message):
    found = head.deploy(settings | change, port)
    assert found["status"] == "DEPLOY_FAILED"
    assert message in found["message"]
    assert client.health()["status"] == "healthy"


def test_build_names_the_import_path(head):
    head.call("serve", "build", "serve_app.deployment:app", "--output-path", "built.yaml")
    built = yaml.safe_load((head.folder / "built.yaml").read_text())
    assert built["applications"][0]["import_path"] == "serve_app.deployment:app"


def test_below_a_prefix_the_service_is_whole(head, client, settings, port, training):
    keys = {"RFUAV_API_KEYS": "ann:read:read-key,bob:write:write-key"}
    assert head.deploy(settings | keys, port, prefix="/lab")["status"] == "RUNNING"
    url = f"{client.base_url}/lab"
    with RFUAVClient(url, api_key="write-key") as writer, RFUAVClient(url, api_key="read-key") as reader:
        wait_until_healthy(writer, head.process, head.folder / "ray.txt")
        task = writer.start_training(**training(device="cpu"))["task_id"]
        assert list(reader.stream_logs(task))[-1]["stage"] == "completed"
        assert reader.get_task(task)["status"] == "completed"
        with pytest.raises(ServiceError, match="has the scope 'read'"):
            reader.delete_task(task)
    page = httpx2.get(url, headers={"Accept": "text/html"}, follow_redirects=True)
    assert page.url == f"{url}/" and 'src="static/main.js"' in page.text
    assert httpx2.get(f"{url}/static/main.js").status_code == 200
    assert httpx2.get(f"{url}/api/v2/tasks").status_code == 401
    for path in ("/", "/api/v1/health", "/labx/api/v1/health"):
        answer = httpx2.get(f"{client.base_url}{path}")
        assert answer.status_code == 404 and "The service is below /lab/." in answer.json()["message"]
