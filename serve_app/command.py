"""`rfuav serve`: the service in the foreground, from start to ctrl-C."""

import fcntl
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import ray
from ray import serve

from actors import names
from rfuav_ray.errors import RfuavError
from rfuav_ray.settings import Settings
from serve_app import app
from serve_app.banner import banner

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def serve_forever(settings: Settings) -> int:
    """Run the service until SIGINT or SIGTERM. Returns the exit status. Raises RfuavError when it can't start."""
    settings = _with_key(settings)
    stop = threading.Event()
    with _only_one(settings):
        _check_port(settings)
        print("Starting the service; this takes about 20 seconds.", flush=True)
        with _ray(settings):
            # Now and not before: ray.init puts its own handler in place.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            app.start_actors(settings)
            try:
                app.deploy(settings)
                print(banner(settings, app.resources(), ray.cluster_resources()), flush=True)
                stop.wait()
                print("Stopping; what runs goes on at the next start.", flush=True)
            finally:
                app.stop_actors()
                if "RAY_ADDRESS" in os.environ:
                    serve.shutdown()
    return 0


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


def _check_port(settings: Settings) -> None:
    try:
        family = socket.getaddrinfo(settings.host, settings.port)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        raise RfuavError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Choose another HOST or PORT."
        ) from None


@contextmanager
def _ray(settings: Settings) -> Iterator[None]:
    """The cluster of RAY_ADDRESS, or a new one on this machine alone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # OpenMP threads that spin while they wait slow every other process down: 10 against 40 images/s measured.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger("ray.serve").setLevel(logging.INFO if settings.debug else logging.WARNING)
    ray.init(
        address=os.environ.get("RAY_ADDRESS", "local"),
        namespace=names.NAMESPACE,
        log_to_driver=settings.debug,
        logging_level="INFO" if settings.debug else "WARNING",
    )
    try:
        yield
    finally:
        ray.shutdown()
