"""A temporary service on a free port, with a random key, and its state and logs in one folder."""

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
    """Start a service that may use only `folder`, yield a client, and stop the service at the end of the block.

    Raises:
        RunError: The service did not start. The message has the end of its log.
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
            # In its own session the service does not receive ctrl-C. This process then stops it in an orderly way.
            start_new_session=True,
        )
    try:
        with RFUAVClient(f"http://127.0.0.1:{port}", api_key=key) as client:
            wait_until_healthy(client, process, log)
            yield client
    finally:
        _stop(process)


def _environment(folder: Path, port: int, key: str) -> dict[str, str]:
    """Copy this environment without the variables that select another state folder, database or cluster."""
    foreign = {f"{prefix}{name}" for name in Settings.model_fields for prefix in ("", "rfuav_")} | {"ray_address"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in foreign}
    package_root = str(Path(__file__).resolve().parents[2])
    return kept | {
        # Lets the demo run from a source folder that is not installed.
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
    """Wait until the service is healthy.

    Raises:
        RunError: The process ended, or took too long. The message has the end of its log.
    """
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
