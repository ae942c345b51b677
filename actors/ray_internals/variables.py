"""Environment variables of Ray that the service sets or reads. Importing this module does not import Ray.

Ray's processes read them when they start. Most of them are not documented, so another version may not read them.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

WORKER_NICENESS = "RAY_worker_niceness"
#: the Ray job that a worker belongs to
JOB = "RAY_JOB_ID"

#: for every Ray process of the service. Most are about speed and memory.
OF_SERVICE = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # The API and the actors have a higher priority than the runs, see actors.runs.supervisor.
    WORKER_NICENESS: "0",
    # Ray's memory monitor ends small actors and spares the run that took the memory: see actors.memory.guard.
    "RAY_memory_monitor_refresh_ms": "0",
    # By default Ray makes all workers, and so the actors, the first that the kernel ends. Only runs shall be.
    "RAY_worker_oom_score_adjustment": "0",
    # Serve replaces a dead proxy after three of these periods. By default that is half a minute.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    # On a busy machine a proxy needs longer than the default 5 s to start. Serve would kill it, and the start of
    # the service would fail.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
    # By default an idle worker ends after a second. Each worker costs memory in the Ray processes that have talked
    # to it, and they do not free it.
    "RAY_idle_worker_killing_time_threshold_ms": "30000",
    # Each worker would write an event file. The dashboard reads these files every two seconds: its process grew by
    # 9 MB a minute under load.
    "RAY_event_log_reporter_enabled": "0",
    # The length of Ray's own list of Ray tasks, for its dashboard. The default is 100,000.
    "RAY_task_events_max_num_task_in_gcs": "10000",
}
#: makes a Ray that a process starts listen on the loopback alone, on Linux too. Ray reads it on import.
ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
HAPROXY_SWITCH = "RAY_SERVE_ENABLE_HA_PROXY"
#: ours: where HAProxy listens for clients. Replicas and Ray Serve's own servers stay on the loopback.
INGRESS_HOST = "RFUAV_INGRESS_HOST"
#: ours: the header in which HAProxy tells replicas the client's address. Its name is a secret of this start, so no
#: client can send it: not through HAProxy, which replaces it, and not to a replica's port on the loopback.
CLIENT_HEADER = "RFUAV_CLIENT_HEADER"
OF_INGRESS = (HAPROXY_SWITCH, INGRESS_HOST)


def haproxy_is_switched_off() -> bool:
    """Whether the operator wants Ray Serve's own proxy."""
    return os.environ.get(HAPROXY_SWITCH) == "0"


def for_haproxy(
    *, binary: Path, folder: Path, connections: int, threads: int, fallback_port: int
) -> dict[str, str]:
    """The variables that make Ray Serve use HAProxy.

    Args:
        binary: What Ray Serve starts as HAProxy.
        folder: The folder for HAProxy's files. Whoever opens its socket controls HAProxy.
        connections: HAProxy's largest number of connections.
        threads: The number of its threads.
        fallback_port: The port of the proxy that takes requests while there is no replica.
    """
    return {
        HAPROXY_SWITCH: "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        # By default, Serve's control loop runs ten times a second. That costs an idle laptop 5 % of a core.
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(binary),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        # With metrics, HAProxy writes a line for each request, and Python has to read it.
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        "RAY_SERVE_HAPROXY_MAXCONN": str(connections),
        "RAY_SERVE_HAPROXY_NBTHREAD": str(threads),
        "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "1s",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback_port),
    }


def unread_by_serve(names: Iterable[str]) -> list[str]:
    """Those of the variables that the installed Ray Serve does not read. Raises ImportError or OSError."""
    from ray.serve._private import constants  # noqa: PLC0415

    source = Path(constants.__file__).read_text(encoding="utf-8")
    return [name for name in names if f'"{name}"' not in source]


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set those of the variables that the operator has not set, for the processes that Ray starts."""
    before = os.environ.copy()
    os.environ.update({name: value for name, value in variables.items() if name not in before})
    try:
        yield
    finally:
        for name in variables.keys() - before.keys():
            del os.environ[name]
