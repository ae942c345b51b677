"""Garbage collection where thousands of tasks are kept: they are no garbage, and looking at them takes long."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: new objects until a collection, and collections until a deeper one
THRESHOLDS = (50_000, 20, 50)


@contextmanager
def loading_a_table() -> Iterator[None]:
    """None while the table comes. What is there in the end is never looked through again, and the rest rarely."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
