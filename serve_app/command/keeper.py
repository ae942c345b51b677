"""The process that an operator sees: it passes signals on to the service, and leaves nothing of it behind.

Terminals and supervisors signal a whole process group. Ray's processes would end with it, before the service could
stop in good order with their help: so the service, and all that it starts, has a group of its own.
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
#: the first of these stops the service in good order, the second ends it at once
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
#: how long what the service has started may take to end after it
LEFT_ALONE_S = 2.0
KILLED_WITHIN_S = 5.0
#: `timeout` signals a process and then its group, and means it once; so do a terminal and its shell
AGAIN_AFTER_S = 0.3


def keep(serve: Callable[[], int]) -> int:
    """Call `serve` in a child process and wait for it. Returns its exit status, in both processes.

    When the child has ended, what it has started is ended, too. When this process is killed, so is the child.
    """
    _set(PR_SET_CHILD_SUBREAPER, 1)  # what loses its parent becomes a child of this process, and is found
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    keeper = os.getpid()
    service = os.fork()
    if service == 0:
        os.setpgid(0, 0)
        _set(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:  # it died before this was asked for
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return serve()
    _pass_signals_on(service)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status = _end_of(service)
    _end_descendants(LEFT_ALONE_S)
    return status if status >= 0 else 128 - status


def _pass_signals_on(service: int) -> None:
    stopping_s: float | None = None

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping_s
        if stopping_s is not None:
            if time.monotonic() - stopping_s > AGAIN_AFTER_S and number != signal.SIGHUP:
                for one in STOP_SIGNALS:
                    signal.signal(one, signal.SIG_IGN)
                _end_descendants(0)
                os._exit(128 + number)
            return
        stopping_s = time.monotonic()
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(service, signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    for number in STOP_SIGNALS:
        # `nohup` means it.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)


def _end_of(service: int) -> int:
    """Its exit status; negative for the signal that has ended it."""
    while True:
        process, status = os.waitpid(-1, 0)
        if process == service:
            return os.waitstatus_to_exitcode(status)


def _end_descendants(wait_s: float) -> None:
    """Kill those that have not ended by themselves after this time."""
    left = psutil.Process().children(recursive=True)
    _, left = psutil.wait_procs(left, timeout=wait_s)
    deadline_s = time.monotonic() + KILLED_WITHIN_S
    # Again and again: one may have started another one in the last moment.
    while left and time.monotonic() < deadline_s:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=0.2)
        left = psutil.Process().children(recursive=True)


def _set(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
