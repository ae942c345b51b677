"""Writes in a thread what a training leaves on the disk, while its next epoch computes."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import torch


class BackgroundWriter:
    """One write at a time, in the order they came. The end of the `with` block waits for the last one."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._last: Future[None] | None = None

    def start(self, write: Callable[[], None]) -> None:
        """Raises what the write before this one raised."""
        self.wait()
        self._last = self._pool.submit(write)

    def wait(self) -> None:
        """Until nothing is left to write. Raises, once, what the last write raised."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def raise_if_failed(self) -> None:
        """As `wait`, without waiting."""
        if self._last is not None and self._last.done():
            self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)


def copy_in_memory(state: Any) -> Any:
    """A state dict as it is now, its tensors copied to the CPU's memory: training goes on and changes them."""
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: copy_in_memory(value) for key, value in state.items()}
    if isinstance(state, list):
        return [copy_in_memory(value) for value in state]
    return state
