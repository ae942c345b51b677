"""`rfuav serve`: the service from start to stop. The first SIGINT or SIGTERM stops it in good order.

A second one is not for this process: see `keeper`.
"""

import fcntl
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from types import FrameType
from typing import TextIO

import ray

from actors import names
from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.ports import check_free
from rfuav_ray.settings import Settings
from serve_app import app
from serve_app.command.banner import banner
from serve_app.ingress.way_in import WayIn, way_in

#: of every Ray process, unless the operator has said otherwise
RAY_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # The API and the actors go before the runs, see actors.runs.supervisor.
    "RAY_worker_niceness": "0",
    # Three of these after its death a proxy is replaced; by default that is half a minute.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    # On a busy machine a proxy needs longer to start than the usual 5 s; it would be killed, and the start fail.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
    # By default an idle worker ends after a second, and the Ray processes that knew it keep some memory of each.
    "RAY_idle_worker_killing_time_threshold_ms": "30000",
    # A file for each worker, which the dashboard looks at every two seconds: it grew by 9 MB a minute under load.
    "RAY_event_log_reporter_enabled": "0",
    # Ray's own list of Ray tasks, for its dashboard; by default 100,000.
    "RAY_task_events_max_num_task_in_gcs": "10000",
}
GCS_LOOK_EVERY_S, GCS_GONE_AFTER_S = 1.0, 8.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def serve_forever(settings: Settings) -> int:
    """Run the service until SIGINT or SIGTERM. Returns the exit status. Raises RfuavError when it can't start."""
    settings = _with_key(settings)
    with _only_one(settings):
        if not _is_on_a_cluster():
            check_free(settings.host, settings.port)
        _say("Starting the service; this takes about 20 seconds.")
        try:
            with _way_in(settings) as found, environment(RAY_VARIABLES | found.environment), _ray(settings):
                _serve_until(_stop_signal(), settings, found)
        except KeyboardInterrupt:  # before the handler was in place
            return 128 + signal.SIGINT
    return 0


def _serve_until(stop: threading.Event, settings: Settings, found: WayIn) -> None:
    if _is_on_a_cluster():
        app.end_a_dead_service(settings)
        _check_port_of_cluster(settings)  # not earlier: that service's API had it
    store_notice, actors = app.start_actors(settings)
    try:
        app.deploy(settings, found.serve_host, actors)
        if not stop.is_set():
            _say(banner(settings, app.resources(), ray.cluster_resources(), [found.notice, store_notice]))
        stop.wait()
        _say("Stopping: runs keep what is done and go on at the next start. Once more stops at once.")
        app.stop_runs(settings)
    finally:
        app.stop_actors()
        if _is_on_a_cluster():
            app.remove_api()


def _say(text: str) -> None:
    """Whether or not somebody can read it: a terminal that was closed must not keep the service from stopping."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # for what follows, too


def _stop_signal() -> threading.Event:
    """Set by SIGINT and SIGTERM. Who signals all processes signals this one twice, itself and by its keeper."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    # After ray.init and not before: it puts its own handler in place.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop


def _with_key(settings: Settings) -> Settings:
    """Open to others only with a key, as Jupyter does: make one when none is set."""
    if settings.api_keys or settings.auth == "off" or settings.host in LOOPBACK:
        return settings
    return settings.model_copy(update={"api_keys": (secrets.token_urlsafe(24),)})


@contextmanager
def _only_one(settings: Settings) -> Iterator[TextIO]:
    """Two services in one state folder would each run the other's tasks."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (settings.state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RfuavError(
                f"Another service uses '{settings.state_dir}'. Stop it, or choose another STATE_DIR."
            ) from None
        yield lock


def _is_on_a_cluster() -> bool:
    """Whether Ray was there before this process, and stays after it."""
    return "RAY_ADDRESS" in os.environ


def _check_port_of_cluster(settings: Settings) -> None:
    found = app.serve_address()
    if found is None:
        check_free(settings.host, settings.port)
    elif found != (settings.host, settings.port):
        raise RfuavError(
            "Ray Serve runs on this cluster already, for others, and listens on {}:{}: set HOST and PORT to "
            "these, or end it.".format(*found)
        )


def _way_in(settings: Settings) -> AbstractContextManager[WayIn]:
    # The processes of a cluster have started: which way it has was said there.
    return (
        nullcontext(WayIn(settings.host, {})) if _is_on_a_cluster() else way_in(settings.host, settings.state_dir)
    )


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set the variables that are not set, for the processes that Ray starts."""
    before = os.environ.copy()
    os.environ.update({name: value for name, value in variables.items() if name not in before})
    try:
        yield
    finally:
        for name in variables.keys() - before.keys():
            del os.environ[name]


@contextmanager
def _ray(settings: Settings) -> Iterator[None]:
    """The cluster of RAY_ADDRESS, or a new one on this machine alone."""
    logging.getLogger("ray.serve").setLevel(logging.INFO if settings.debug else logging.WARNING)
    try:
        ray.init(
            address=os.environ.get("RAY_ADDRESS", "local"),
            namespace=names.NAMESPACE,
            log_to_driver=settings.debug,
            logging_level="INFO" if settings.debug else "WARNING",
        )
    except Exception as error:  # Ray has no class for it
        reason = " ".join(str(error).split())
        raise RfuavError(
            f"Ray did not start: {reason} Start the service again when the machine is less busy."
        ) from error
    is_over = threading.Event()
    arguments = (ray.get_runtime_context().gcs_address, is_over)
    threading.Thread(target=_end_with_the_gcs, args=arguments, name="gcs-watch", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
        ray.shutdown()


def _end_with_the_gcs(address: str, is_over: threading.Event) -> None:
    """End this process when Ray's GCS has ended: calls to Ray would wait a minute, and then end it silently."""
    host, _, port = address.rpartition(":")
    place = host.strip("[]"), int(port)
    seen_s = None
    while not is_over.wait(GCS_LOOK_EVERY_S):
        # Not a call: a GCS that is only slow is there.
        with suppress(OSError), socket.create_connection(place, timeout=GCS_LOOK_EVERY_S):
            seen_s = time.monotonic()
        if seen_s is not None and time.monotonic() - seen_s > GCS_GONE_AFTER_S:
            _say(
                f"Ray's GCS at {address} has ended, and without it nothing can be stopped in good order: the "
                "service ends. Start it again; its tasks go on."
            )
            os._exit(1)
