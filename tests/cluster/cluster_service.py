"""A cluster, and a service on it, as processes."""

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from rfuav_ray.client import RFUAVClient
from rfuav_ray.demo.service import wait_until_healthy
from rfuav_ray.machine.ports import free_port
from tests.cluster.cluster_program import ANSWER


class ClusterProgram:
    def __init__(self, environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.cluster_program"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self._answer()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        lines = iter(self.process.stdout.readline, "")
        return next(line for line in lines if line.startswith(ANSWER)).removeprefix(ANSWER).strip()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


@contextmanager
def new_environment(folder, root):
    """The variables of a cluster and its service; the service's files are in `folder`."""
    with tempfile.TemporaryDirectory(prefix="rfuav") as ray_folder:  # sockets live in it: a short path
        (Path(ray_folder) / "ray").mkdir()
        yield os.environ | {
            "RAY_TMPDIR": ray_folder,
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RFUAV_PORT": str(free_port()),
            "RFUAV_STATE_DIR": str(folder / "state"),
            "RFUAV_LOG_FILE": str(folder / "app.log"),
            "RFUAV_DATA_ROOTS": str(root),
            # More would only wait for the cores.
            "RFUAV_MAX_INFERENCE_CONCURRENT_GPU": "1",
        }


def start_service(environment, cluster):
    output = output_of(environment)
    with output.open("a") as log:
        service = launch_service(environment, cluster, log)
    with RFUAVClient(url_of(environment)) as rfuav_client:
        wait_until_healthy(rfuav_client, service, output)
    return service


def launch_service(environment, cluster, log):
    return subprocess.Popen(
        [sys.executable, "-m", "serve_app", "serve"],
        env=environment | {"RAY_ADDRESS": cluster.address},
        cwd=output_of(environment).parent,
        stdout=log,
        stderr=log,
    )


def output_of(environment):
    """What the services of this environment have printed."""
    return Path(environment["RFUAV_LOG_FILE"]).with_name("output.txt")


def url_of(environment):
    return f"http://127.0.0.1:{environment['RFUAV_PORT']}"
