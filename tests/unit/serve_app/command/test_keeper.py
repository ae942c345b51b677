"""The keeper with small programs in place of the service."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from serve_app.command.keeper import REPEAT_WINDOW_S

PROGRAM = """
import os, signal, subprocess, sys
from serve_app.command.keeper import keep


def serve():
    {body}

sys.exit(keep(serve))
"""
#: tells its process, and how many signals it has got within half a second
COUNTS = """
    numbers = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    print(os.getpid(), flush=True)
    signal.sigwait(numbers)
    count = 1
    while signal.sigtimedwait(numbers, 0.5):
        count += 1
    return count
"""
#: tells its process, and ends well when it is asked
ASKED = """
    codes = {signal.SIGTERM: 3, signal.SIGINT: 4}
    signal.pthread_sigmask(signal.SIG_BLOCK, codes)
    print(os.getpid(), flush=True)
    return codes[signal.sigwait(codes)]
"""
DEAF = """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    print(os.getpid(), flush=True)
    signal.pause()
"""
#: leaves a grandchild behind that has no parent any more, and does not heed SIGTERM
LEAVES = """
    code = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    child.stdout.readline()
    print(child.pid, flush=True)
    return 5
"""
WITHIN_S = 20


@pytest.fixture
def start():
    """Start a keeper of a service with this body, in a group of its own; returns it, and the number it prints."""
    processes = []

    def run(body):
        program = PROGRAM.format(body=body.strip())
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        processes.append(process)
        return process, int(process.stdout.readline())

    yield run
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def is_gone(pid):
    deadline_s = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline_s:
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                continue
        return True
    return False


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 3), (signal.SIGINT, 4), (signal.SIGHUP, 3)])
def test_keeper_the_first_signal_is_passed_on_and_the_status_comes_back(start, number, status):
    keeper, _ = start(ASKED)
    keeper.send_signal(number)
    assert keeper.wait(WITHIN_S) == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_keeper_a_signal_to_the_whole_group_comes_to_the_service_once(start, number):
    keeper, service = start(COUNTS)
    assert os.getpgid(service) != os.getpgid(keeper.pid)
    os.killpg(os.getpgid(keeper.pid), number)
    assert keeper.wait(WITHIN_S) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_keeper_a_signal_that_comes_twice_at_once_is_one(start, number):
    keeper, _ = start(COUNTS)
    keeper.send_signal(number)
    os.killpg(os.getpgid(keeper.pid), number)
    assert keeper.wait(WITHIN_S) == 1


def test_keeper_the_second_signal_ends_a_service_that_does_not_heed(start):
    keeper, service = start(DEAF)
    keeper.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        keeper.wait(2 * REPEAT_WINDOW_S)
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(WITHIN_S) == 128 + signal.SIGTERM
    assert is_gone(service)


def test_keeper_nothing_is_left_behind(start):
    keeper, grandchild = start(LEAVES)
    assert keeper.wait(WITHIN_S) == 5
    assert is_gone(grandchild)


def test_keeper_a_service_that_is_killed_is_told_as_a_shell_would(start):
    keeper, service = start(DEAF)
    os.kill(service, signal.SIGKILL)
    assert keeper.wait(WITHIN_S) == 128 + signal.SIGKILL


def test_keeper_the_service_dies_with_its_keeper(start):
    keeper, service = start(DEAF)
    keeper.kill()
    keeper.wait(WITHIN_S)
    assert is_gone(service)
