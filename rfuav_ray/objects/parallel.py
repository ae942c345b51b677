"""Does the same with many objects, some at a time, while the caller goes on reporting."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from rfuav_ray.events import Report, RunEvent

Item = TypeVar("Item")
Result = TypeVar("Result")

#: most of the time of an object is latency. pyarrow has 25 connections
THREADS = 24
REPORT_EVERY_S = 0.25
#: pyarrow's calls cannot be stopped. Nobody waits for them longer than this
ENDING_S = 1.0


def waiting_for(function: Callable[[], Result], report: Report) -> Result:
    """Call a function in a thread, and report meanwhile, which may raise. Its exception is raised here."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    # A daemon: pyarrow's calls cannot be stopped, and must not hold up the end of a cancelled run.
    thread = threading.Thread(target=call, name="objects", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(REPORT_EVERY_S)
        report(RunEvent())
    if errors:
        raise errors[0]
    return results[0]


def for_each(
    items: Iterable[Item], work: Callable[[Item], None], stopping: threading.Event, meanwhile: Callable[[], None]
) -> None:
    """Call `work` for each item, in threads.

    Args:
        items: The items. Their iterator is asked by one thread at a time.
        work: What to do. It ends soon after `stopping` is set.
        stopping: Is set at the end, whatever that is.
        meanwhile: Is called several times a second, in this thread. It may raise to stop.

    Raises:
        Exception: The first one of `work`, or whatever `meanwhile` raises.
    """
    waiting, lock = iter(items), threading.Lock()
    failures: list[BaseException] = []

    def take() -> None:
        try:
            while not stopping.is_set():
                with lock:
                    item = next(waiting)
                work(item)
        except StopIteration:
            return
        except BaseException as error:
            failures.append(error)
            stopping.set()

    # Daemons: a call that hangs must not hold up the end of a cancelled run.
    threads = [threading.Thread(target=take, name="objects", daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive() and not stopping.is_set():
                thread.join(REPORT_EVERY_S)
                meanwhile()
    finally:
        stopping.set()
        deadline_s = time.monotonic() + ENDING_S
        for thread in threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
    if failures:
        raise failures[0]
