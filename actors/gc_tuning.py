"""Garbage collection in processes that hold thousands of tasks: scanning them takes long and frees nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: for gc.set_threshold: new objects per collection, then collections per collection of the next older generation
THRESHOLDS = (50_000, 20, 50)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disable garbage collection while a table loads.

    Afterwards the collector never scans the objects that exist then, and rarely scans newer ones.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
