"""`rfuav serve`: runs the service from start to stop. The first SIGINT or SIGTERM stops it in good order.

The parent process handles a second signal: see `keeper`.
"""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO

import ray

from actors.ray_internals import nodes, variables
from actors.ray_internals.ray_serve import check_replica_port, serve_address
from rfuav_ray.errors import RfuavError
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.machine.ports import check_free
from rfuav_ray.settings import LOOPBACK, Settings
from serve_app import app, service_actors
from serve_app.access.keyring import has_keys, with_hashes
from serve_app.access.keys import new_key
from serve_app.command.banner import banner
from serve_app.command.running_ray import is_on_a_cluster, running_ray
from serve_app.command.stop_signal import StopSignal, say, stop_signal
from serve_app.ingress.choice import Ingress, ingress
from serve_app.ingress.of_cluster import ingress_of_cluster
from serve_app.service_files import keep_private

#: A part that restarts may be missing for a moment, so it is looked for again.
PARTS_LOOK_EVERY_S, LOOKS_IN_VAIN = 5.0, 2


def serve_forever(settings: Settings) -> int:
    """Run the service until SIGINT or SIGTERM.

    Returns:
        The exit status of the process.

    Raises:
        RfuavError: when the service cannot start.
    """
    settings, made_key = _with_key(settings)
    keep_private(settings)
    with _only_one(settings):
        settings = with_hashes(settings)
        write_to_log_file(settings, also_to_terminal=True)
        if not is_on_a_cluster():
            check_free(settings.host, settings.port)
            check_replica_port()
        say("Starting the service; this takes about 20 seconds.")
        try:
            with (
                _ingress(settings) as found,
                variables.environment(variables.OF_SERVICE | found.environment),
                running_ray(settings),
            ):
                return _serve_until(stop_signal(), settings, found, made_key)
        except KeyboardInterrupt:  # The signal came before the handler was installed.
            return 128 + signal.SIGINT


def _serve_until(stop: StopSignal, settings: Settings, found: Ingress, made_key: str | None) -> int:
    """Start the service, and stop it after a signal, or when a part of it is gone. Returns the exit status."""
    if is_on_a_cluster():
        nodes.check_on_head()
        found = ingress_of_cluster(settings.host)
        if service_actors.end_killed_service(settings):
            app.remove_api()  # It has the old settings.
        _check_port_of_cluster(settings, found.serve_host)  # Not earlier: the dead service's API held the port.
    store_notice, actors = service_actors.start_actors(settings)
    try:
        notices = [notice for notice in (found.notice, store_notice) if notice]
        notices = app.deploy(settings, found.serve_host, actors, notices)
        stop.start_is_over()
        if not stop.is_set():
            say(banner(settings, service_actors.resources(), ray.cluster_resources(), notices, made_key))
        if gone := _gone_parts(stop):
            say(f"The service ends: {gone} Start it again; its tasks resume.")
            return 1
        say("Stopping: runs save their work and resume at the next start. Press ctrl-C again to stop at once.")
        service_actors.stop_runs(settings)
        return 0
    finally:
        service_actors.stop_actors()
        if is_on_a_cluster():
            app.remove_api()


def _gone_parts(stop: StopSignal) -> str:
    """Wait for the signal, or until a part of the service was ended from outside. Returns what is gone, or ""."""
    looks = 0
    while not stop.wait(PARTS_LOOK_EVERY_S):
        gone = _gone_part()
        looks = looks + 1 if gone else 0
        if looks == LOOKS_IN_VAIN:
            return gone
    return ""


def _gone_part() -> str:
    if missing := service_actors.missing_actors():
        return f"another program has ended its actors {', '.join(missing)}."
    return "" if app.has_api() else "another program has removed its API from Ray Serve."


def _with_key(settings: Settings) -> tuple[Settings, str | None]:
    """Require a key when other machines can connect, as Jupyter does: make one when none is set, and return it."""
    if has_keys(settings) or settings.auth == "off" or settings.host in LOOPBACK:
        return settings, None
    key = new_key()
    return settings.model_copy(update={"api_keys": (key,)}), key


@contextmanager
def _only_one(settings: Settings) -> Iterator[TextIO]:
    """Lock the state folder: two services in one folder would each run the other's tasks."""
    with (settings.state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RfuavError(
                f"Another service uses '{settings.state_dir}'. Stop it, or choose another STATE_DIR."
            ) from None
        yield lock


def _check_port_of_cluster(settings: Settings, serve_host: str) -> None:
    found = serve_address()
    if found is None:
        check_free(settings.host, settings.port)
    elif found != (serve_host, settings.port):
        raise RfuavError(
            "This cluster already runs Ray Serve for other applications, on {}:{}. Set HOST and PORT to this "
            "address, or shut Ray Serve down.".format(*found)
        )


def _ingress(settings: Settings) -> AbstractContextManager[Ingress]:
    # A cluster's Ray processes run already. They have read their choice of ingress when they started.
    return (
        nullcontext(Ingress(settings.host, {}))
        if is_on_a_cluster()
        else ingress(
            settings.host,
            settings.state_dir,
            connections=settings.max_connections_per_address,
            streams=settings.max_streams_per_address,
        )
    )
