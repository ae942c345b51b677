"""Samples the resident memory of processes while a block runs."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil

#: seconds since the start, process id, resident memory in MB
Sample = tuple[float, int, float]


@contextmanager
def memory_sampled(processes: Callable[[], Iterable[psutil.Process]], *, every_s: float) -> Iterator[list[Sample]]:
    """Yield the samples, which grow until the block ends."""
    samples: list[Sample] = []
    is_over = threading.Event()
    started_s = time.perf_counter()

    def sample() -> None:
        while not is_over.wait(every_s):
            for process in processes():
                with suppress(psutil.NoSuchProcess):
                    megabytes = process.memory_info().rss / 1e6
                    samples.append((time.perf_counter() - started_s, process.pid, megabytes))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()
