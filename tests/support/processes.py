"""The processes that a service consists of."""

from contextlib import suppress

import psutil
import pytest

from rfuav_ray.client import ServiceError, ServiceUnreachable


def family(process):
    return psutil.Process(process.pid).children(recursive=True)


def is_over(processes):
    return not psutil.wait_procs(processes, timeout=10)[1]


def wait_until_silent(client):
    """Ray's processes end a moment after the service that was killed, and answer until then."""
    with pytest.raises(ServiceUnreachable):
        while True:
            with suppress(ServiceError):
                client.health()
