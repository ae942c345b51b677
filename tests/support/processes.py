"""The processes that a service consists of."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from rfuav_ray.client import ServiceError, ServiceUnreachable


def family(process):
    return psutil.Process(process.pid).children(recursive=True)


def has_title(process: psutil.Process, title: str) -> bool:
    """Whether the process calls itself so, as Ray's workers do by the names of their actors."""
    with suppress(psutil.Error):
        return any(title in word for word in process.cmdline()[:1])
    return False


def is_over(processes):
    return not psutil.wait_procs(processes, timeout=10)[1]


def wait_until_silent(client):
    """Ray's processes end a moment after the service that was killed, and answer until then."""
    with pytest.raises(ServiceUnreachable):
        while True:
            with suppress(ServiceError):
                client.health()


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """A block in which the process stands still."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def wait_for_output(path: Path, text: str) -> None:
    """Wait until a line of the file, which may not be there yet, has the text. The test's time-out ends it."""
    command = ["tail", "-n", "+1", "-F", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as following:
        assert following.stdout is not None and any(text in line for line in following.stdout)
        following.terminate()
