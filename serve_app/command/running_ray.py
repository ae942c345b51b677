"""The Ray in which the service runs: one of its own on this machine, or the cluster of RAY_ADDRESS."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import ray

from actors import names
from actors.ray_internals import nodes, session
from rfuav_ray.errors import RfuavError
from rfuav_ray.settings import Settings
from serve_app.command.stop_signal import say

GCS_LOOK_EVERY_S, GCS_GONE_AFTER_S = 1.0, 8.0


def is_on_a_cluster() -> bool:
    """Whether Ray runs before this process starts, and stays after it ends."""
    return "RAY_ADDRESS" in os.environ


@contextmanager
def running_ray(settings: Settings) -> Iterator[None]:
    """Connect to the cluster of RAY_ADDRESS, or start a new one on this machine alone."""
    logging.getLogger("ray.serve").setLevel(logging.INFO if settings.debug else logging.WARNING)
    options = {} if is_on_a_cluster() else session.private_options()
    try:
        ray.init(
            **options,
            address=os.environ.get("RAY_ADDRESS", "local"),
            namespace=names.NAMESPACE,
            log_to_driver=settings.debug,
            logging_level="INFO" if settings.debug else "WARNING",
        )
    except Exception as error:  # Ray has no exception class for a failed start.
        reason = " ".join(str(error).split())
        raise RfuavError(
            f"Ray did not start: {reason} Start the service again when the machine is less busy."
        ) from error
    is_over = threading.Event()
    arguments = (ray.get_runtime_context().gcs_address, is_over)
    threading.Thread(target=_end_with_the_gcs, args=arguments, name="gcs-watch", daemon=True).start()
    try:
        if not is_on_a_cluster():
            nodes.check_private_ray()
        yield
    finally:
        is_over.set()
        ray.shutdown()


def _end_with_the_gcs(address: str, is_over: threading.Event) -> None:
    """End this process when Ray's GCS has ended: calls to Ray would wait a minute, then end it silently."""
    host, _, port = address.rpartition(":")
    place = host.strip("[]"), int(port)
    seen_s = None
    while not is_over.wait(GCS_LOOK_EVERY_S):
        # Only connect, without a call: a GCS that is merely slow still accepts connections.
        with suppress(OSError), socket.create_connection(place, timeout=GCS_LOOK_EVERY_S):
            seen_s = time.monotonic()
        if seen_s is not None and time.monotonic() - seen_s > GCS_GONE_AFTER_S:
            say(
                f"Ray's GCS at {address} has ended. The service cannot stop cleanly without it and ends now. "
                "Start it again; its tasks resume."
            )
            os._exit(1)
