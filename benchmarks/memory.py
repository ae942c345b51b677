"""Samples the resident memory of processes while a block runs."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psutil

T = TypeVar("T")
#: seconds since the start, process id, resident memory in MB
Sample = tuple[float, int, float]


@contextmanager
def memory_sampled(processes: Callable[[], Iterable[psutil.Process]], *, every_s: float) -> Iterator[list[Sample]]:
    """Yield the samples, of which there are more and more until the block ends."""
    started_s = time.perf_counter()

    def sample() -> Iterator[Sample]:
        for process in processes():
            with suppress(psutil.NoSuchProcess):
                yield time.perf_counter() - started_s, process.pid, process.memory_info().rss / 1e6

    with sampled(sample, every_s=every_s) as samples:
        yield samples


@contextmanager
def sampled(sample: Callable[[], Iterable[T]], *, every_s: float) -> Iterator[list[T]]:
    """Yield what a thread samples, of which there is more and more until the block ends."""
    samples: list[T] = []
    is_over = threading.Event()

    def run() -> None:
        samples.extend(sample())  # at once: the block may be short
        while not is_over.wait(every_s):
            samples.extend(sample())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()
