"""The head of a Ray cluster as an operator starts it, with a dashboard, and Ray Serve's own commands on it."""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import yaml

from rfuav_ray.machine.ports import free_port

STARTS_WITHIN_S = 60
#: a folder of the programs of this environment
PROGRAMS = Path(sys.executable).parent
#: for programs whose output is read as it comes
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


class RayHead:
    def __init__(self, environment, folder, *options):
        """Start it. `environment` and `options` are for `ray start`; files go into `folder`."""
        self.folder = folder
        self.port, self.dashboard_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.dashboard_port}"
        self.environment = environment | {"RAY_ADDRESS": f"127.0.0.1:{self.port}"}
        self.process = subprocess.Popen(
            [
                *(PROGRAMS / "ray", "start", "--head", "--block", f"--port={self.port}", "--num-cpus=2"),
                *("--include-dashboard=true", f"--dashboard-port={self.dashboard_port}"),
                *(f"--dashboard-agent-listen-port={free_port()}", *options),
            ],
            env=environment | UNBUFFERED,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until_ray_runs(self.process)

    def call(self, *words, is_wrong=False):
        """Run a command of this environment's programs on the cluster. Returns what it printed."""
        done = subprocess.run(
            [PROGRAMS / words[0], *words[1:]],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode != 0) is is_wrong, done.stdout + done.stderr
        return done.stdout + done.stderr

    def deploy(self, settings, port, replicas=1, prefix="/"):
        """`serve deploy` of the service. Returns when Serve has carried it out: its status."""
        shipped = yaml.safe_load(Path("configs/serve.yaml").read_text())
        shipped["http_options"]["port"] = port
        application = shipped["applications"][0]
        application["runtime_env"]["env_vars"] = settings
        application["route_prefix"] = prefix
        application["deployments"][0]["num_replicas"] = replicas
        file = self.folder / "serve.yaml"
        file.write_text(yaml.safe_dump(shipped))
        before = self.status().get("last_deployed_time_s")
        self.call("serve", "deploy", "--address", self.url, file)
        deadline_s = time.monotonic() + STARTS_WITHIN_S
        while True:
            found = self.status()
            if found.get("last_deployed_time_s") != before and found["status"] in ("RUNNING", "DEPLOY_FAILED"):
                return found
            assert time.monotonic() < deadline_s, found

    def status(self):
        """What Serve says of the application."""
        answer = httpx2.get(f"{self.url}/api/serve/applications/", timeout=STARTS_WITHIN_S)
        return answer.json()["applications"].get("rfuav", {})

    def stop(self):
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.terminate()
        self.process.wait(60)
        _, alive = psutil.wait_procs(family, timeout=20)
        for process in alive:
            process.kill()
        self.process.stdout.close()


def wait_until_ray_runs(process):
    """Read what `ray start --block` prints until Ray runs."""
    printed = []
    for line in process.stdout:
        printed.append(line)
        if "Ray runtime started" in line:
            return
    raise AssertionError("".join(printed))


@contextmanager
def started_head(environment, folder, *options):
    head = RayHead(environment, folder, *options)
    try:
        yield head
    finally:
        head.stop()


def cluster_env(environment, *options):
    """The environment with the variables that `rfuav cluster-env` prints."""
    printed = subprocess.run(
        [sys.executable, "-m", "serve_app", "cluster-env", *options],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = (line.removeprefix("export ").partition("=") for line in printed.splitlines())
    return environment | {name: value.strip("'") for name, _, value in pairs}
