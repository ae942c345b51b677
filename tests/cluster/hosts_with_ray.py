"""A Ray cluster on hosts of their own, and the service on it, as an operator starts them."""

import os
import secrets
import subprocess
import sys

from rfuav_ray.client import RFUAVClient
from rfuav_ray.demo.service import wait_until_healthy
from tests.cluster.ray_head import PROGRAMS, UNBUFFERED, cluster_env, wait_until_ray_runs
from tests.support.processes import has_title
from tests.support.project import ROOT

PORT, GCS_PORT = 8000, 6379
KEY = "key-of-the-test"
OTHER_APPLICATION = ROOT / "tests" / "cluster" / "other_application.py"


class HostsWithRay:
    def __init__(self, hosts, root, folder, **settings):
        """Start Ray, the first host as its head. `settings`: of the service."""
        self.head, *self.workers = hosts
        self.url = f"http://{self.head.address}:{PORT}"
        self.output = folder / "output.txt"
        plain = os.environ | {
            "RAY_TMPDIR": "/private/r",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RFUAV_HOST": self.head.address,
            "RFUAV_PORT": str(PORT),
            # On the head's own disk
            "RFUAV_STATE_DIR": "/private/state",
            "RFUAV_LOG_FILE": "/private/app.log",
            "RFUAV_DATA_ROOTS": str(root),
            "RFUAV_API_KEYS": KEY,
            **_variables(settings),
        }
        self.environment = cluster_env(plain)
        for host in hosts:
            (host.private / "r" / "ray").mkdir(parents=True)
        self._ray(self.head, "--head", f"--port={GCS_PORT}", "--include-dashboard=false")
        for worker in self.workers:
            self._ray(worker, f"--address={self.head.address}:{GCS_PORT}")

    def _ray(self, host, *options):
        # Not with --block: on a busy machine the server of Ray's client gives up, and the others would end, too.
        words = [PROGRAMS / "ray", "start", "--num-cpus=2", f"--node-ip-address={host.address}", *options]
        wait_until_ray_runs(host.start(words, self.environment | UNBUFFERED, subprocess.PIPE))

    def call(self, host, *words, **settings):
        """Run `rfuav` on a host to its end. Returns the exit status, and what it printed."""
        return self._end_of(host, [PROGRAMS / "rfuav", *words], settings)

    def start_service(self):
        """Start `rfuav serve` on the head. Returns the process when its API answers."""
        program = self._start(self.head, [PROGRAMS / "rfuav", "serve"], self.output)
        with self.client() as client:
            wait_until_healthy(client, program, self.output)
        return program

    def deploy_other_application(self):
        """Deploy an application of somebody else on the cluster's Serve. It answers at /other."""
        status, printed = self._end_of(self.head, [sys.executable, OTHER_APPLICATION], {})
        assert status == 0, printed

    def process(self, title):
        """The process on the head with this title."""
        return next(process for process in self.head.processes() if has_title(process, title))

    def _end_of(self, host, words, settings):
        output = self.output.with_name("call.txt")
        output.unlink(missing_ok=True)
        return self._start(host, words, output, **settings).wait(120), output.read_text()

    def _start(self, host, words, output, **settings):
        address = {"RAY_ADDRESS": f"{self.head.address}:{GCS_PORT}"}
        with output.open("a") as log:
            return host.start(words, self.environment | address | _variables(settings), log)

    def client(self):
        return RFUAVClient(self.url, api_key=KEY)


def _variables(settings):
    return {f"RFUAV_{name.upper()}": str(value) for name, value in settings.items()}
