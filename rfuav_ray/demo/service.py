"""A service of one's own for a while: on a free port, with its state, key and logs in one folder."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rfuav_ray.client import RFUAVClient, ServiceError, ServiceUnreachable
from rfuav_ray.errors import RunError
from rfuav_ray.machine.ports import free_port
from rfuav_ray.settings import Settings

START_DEADLINE_S = 120.0
STOP_DEADLINE_S = 30.0
LOG_LINES_SHOWN = 30
SERVE = (sys.executable, "-m", "serve_app", "serve")


@contextmanager
def own_service(folder: Path, command: Sequence[str] = SERVE) -> Iterator[RFUAVClient]:
    """Start a service that may use `folder` alone, give a client of it, and stop it at the end.

    Raises RunError, with the end of its log, when it does not come up.
    """
    key = secrets.token_hex(16)
    port = free_port()
    log = folder / "logs" / "service.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder, port, key),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # ctrl-C reaches us alone; we then stop the service in order.
            start_new_session=True,
        )
    try:
        with RFUAVClient(f"http://127.0.0.1:{port}", api_key=key) as client:
            wait_until_healthy(client, process, log)
            yield client
    finally:
        _stop(process)


def _environment(folder: Path, port: int, key: str) -> dict[str, str]:
    """Ours without what would lead the service to another state folder, database or cluster."""
    foreign = {f"{prefix}{name}" for name in Settings.model_fields for prefix in ("", "rfuav_")} | {"ray_address"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in foreign}
    package_root = str(Path(__file__).resolve().parents[2])
    return kept | {
        # So that a clone works that is not installed.
        "PYTHONPATH": os.pathsep.join(filter(None, [package_root, kept.get("PYTHONPATH")])),
        "RFUAV_HOST": "127.0.0.1",
        "RFUAV_PORT": str(port),
        "RFUAV_API_KEYS": key,
        "RFUAV_STATE_DIR": str(folder / "state"),
        "RFUAV_DATA_ROOTS": str(folder),
        "RFUAV_LOG_FILE": str(folder / "logs" / "app.log"),
        "RFUAV_MAX_TRAINING_CONCURRENT_CPU": "1",
        "RFUAV_MAX_INFERENCE_CONCURRENT_CPU": "1",
    }


def wait_until_healthy(client: RFUAVClient, process: subprocess.Popen[bytes], log: Path) -> None:
    """Raises RunError, with the end of its log, when the process ends or takes too long."""
    deadline = time.monotonic() + START_DEADLINE_S
    while not _is_healthy(client):
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            what = f"ended with status {process.returncode}" if ended else f"took over {START_DEADLINE_S:.0f} s"
            end = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
            raise RunError(f"The service {what} while it started. The end of {log}:\n{end}")
        time.sleep(0.5)


def _is_healthy(client: RFUAVClient) -> bool:
    try:
        return bool(client.health()["status"] == "healthy")
    except (ServiceError, ServiceUnreachable):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_DEADLINE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
