"""The first process of `rfuav serve`. It passes signals on to the service and ends every process left behind.

Terminals and supervisors signal a whole process group. Such a signal would end Ray's processes, but the service
needs them to stop in good order. Therefore the service and all processes that it starts have their own group.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import psutil

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
#: The first of these signals stops the service in good order. A second SIGINT or SIGTERM ends it at once.
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
#: how long the service's descendants may take to end after the service
GRACE_S = 2.0
#: how long the keeper tries to kill the remaining processes
KILL_TIMEOUT_S = 5.0
#: A signal within this time only repeats the first one: `timeout` signals a process and then its group.
#: A terminal and its shell do the same.
REPEAT_WINDOW_S = 0.3


def keep(serve: Callable[[], int]) -> int:
    """Call `serve` in a child process and wait for it.

    When the child has ended, this process also ends all processes that the child has started. When this process is
    killed, the kernel kills the child.

    Returns:
        The exit status of `serve`, in both processes. In this process it is 128 plus the signal's number when a
        signal has ended the child.
    """
    _set(PR_SET_CHILD_SUBREAPER, 1)  # Orphaned processes become children of this process.
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    keeper = os.getpid()
    service = os.fork()
    if service == 0:
        os.setpgid(0, 0)
        _set(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:  # The keeper died before the call above.
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return serve()
    _pass_signals_on(service)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status = _end_of(service)
    _end_descendants(GRACE_S)
    return status if status >= 0 else 128 - status


def _pass_signals_on(service: int) -> None:
    stopping_s: float | None = None

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping_s
        if stopping_s is not None:
            if time.monotonic() - stopping_s > REPEAT_WINDOW_S and number != signal.SIGHUP:
                for one in STOP_SIGNALS:
                    signal.signal(one, signal.SIG_IGN)
                _end_descendants(0)
                os._exit(128 + number)
            return
        stopping_s = time.monotonic()
        with suppress(ProcessLookupError):  # The service has just ended by itself.
            os.kill(service, signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    for number in STOP_SIGNALS:
        # `nohup` ignores hangups on purpose: keep ignoring them.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)


def _end_of(service: int) -> int:
    """Wait for the service. Returns its exit status, or the negative number of the signal that has ended it."""
    while True:
        process, status = os.waitpid(-1, 0)
        if process == service:
            return os.waitstatus_to_exitcode(status)


def _end_descendants(wait_s: float) -> None:
    """Kill all descendants that have not ended by themselves after this time."""
    left = psutil.Process().children(recursive=True)
    _, left = psutil.wait_procs(left, timeout=wait_s)
    deadline_s = time.monotonic() + KILL_TIMEOUT_S
    # Repeat: a process may start another one just before it is killed.
    while left and time.monotonic() < deadline_s:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=0.2)
        left = psutil.Process().children(recursive=True)


def _set(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
