"""`rfuav serve` as a process with descendants, which can be found by their titles, killed, and started again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from rfuav_ray.client import RFUAVClient
from rfuav_ray.demo.service import wait_until_healthy
from rfuav_ray.machine.ports import free_port

STOP_DEADLINE_S = 60


class ServiceProcess:
    """A context manager: leaving it ends every process that was started. `settings` are RFUAV_… variables."""

    #: what is started
    program: tuple[str, ...] = (sys.executable, "-m", "serve_app", "serve")

    def __init__(self, folder: Path, data_root: Path, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.state_dir = folder / "state"
        self.log = folder / "output.txt"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{settings.get('route_prefix', '')}"
        # Sockets live below it, and their paths must be short.
        self.ray_folder = tempfile.mkdtemp(prefix="rf-")
        self._folder = folder
        self._environment = os.environ | {
            "RAY_TMPDIR": self.ray_folder,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RFUAV_PORT": str(self.port),
            "RFUAV_STATE_DIR": str(self.state_dir),
            "RFUAV_LOG_FILE": str(folder / "app.log"),
            "RFUAV_DATA_ROOTS": str(data_root),
            **{f"RFUAV_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Returns the seconds to the first healthy answer."""
        started_s = time.monotonic()
        self.launch()
        self.wait_until_healthy()
        return time.monotonic() - started_s

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.program,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Everything that it starts is known by this session, even when its parent is gone.
                start_new_session=True,
            )

    def wait_until_healthy(self) -> None:
        assert self._process is not None
        with RFUAVClient(self.url) as client:
            wait_until_healthy(client, self._process, self.log)

    def processes(self) -> list[psutil.Process]:
        """Every living process that the service and its Ray consist of."""
        assert self._process is not None
        return [process for process in psutil.process_iter() if _session(process) == self._process.pid]

    def find(self, *titles: str) -> psutil.Process:
        """The process with one of these titles."""
        found = [process for process in self.processes() if title_of(process).startswith(titles)]
        assert found, f"the service has no process {' or '.join(titles)}"
        return found[0]

    def haproxy(self) -> psutil.Process:
        found = [process for process in self.processes() if "/bin/haproxy -db" in title_of(process)]
        assert found, "the service has no HAProxy"
        # Older ones only see their last connections off.
        return max(found, key=lambda process: process.create_time())

    def kill(self) -> None:
        """SIGKILL to the service and every process below it; returns when all are gone."""
        assert self._process is not None
        deadline = time.monotonic() + STOP_DEADLINE_S
        # Again and again: one may have started another one in the last moment.
        while processes := self.processes():
            assert time.monotonic() < deadline, f"these do not die: {processes}"
            for process in processes:
                _send(process, signal.SIGKILL)
            psutil.wait_procs(processes, STOP_DEADLINE_S)
            self._process.poll()  # takes the dead child off the list

    def terminate(self) -> None:
        """SIGTERM, as an operator stops it; returns when every process has ended by itself."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(STOP_DEADLINE_S) == 0
        psutil.wait_procs(self.processes(), STOP_DEADLINE_S)
        assert not self.processes()

    def signal(self, number: int, *, to_group: bool, timeout_s: float) -> int:
        """Send a signal to its process, or to all of its group; returns the exit status."""
        assert self._process is not None
        if to_group:
            os.killpg(os.getpgid(self._process.pid), number)
        else:
            self._process.send_signal(number)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """The exit status, once it has ended."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.ray_folder, ignore_errors=True)


def title_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _session(process: psutil.Process) -> int | None:
    try:
        # A zombie that its parent has not noticed yet is dead.
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (psutil.Error, OSError):
        return None


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
