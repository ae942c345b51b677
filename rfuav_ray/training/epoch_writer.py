"""Writes a finished epoch in a thread, while the next epoch is computed."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

import torch

from rfuav_ray.events import Report, RunEvent, Stage


class EpochWriter:
    """A Report that holds back events while an epoch is being written.

    Therefore the end of an epoch is reported when it is on disk, and before any later event. A stop request, which
    a report raises, always finds files that belong to the same epoch.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="epoch-writer")
        self._writing: Future[None] | None = None
        self._held: deque[RunEvent] = deque()

    def __call__(self, event: RunEvent) -> None:
        """Report the event, or hold it back while an epoch is being written. Raises the same as `settle`."""
        if self._writing is None:
            self._report(event)
            return
        self._held.append(event)
        if self._writing.done():
            self.settle()

    def write(self, write: Callable[[], None], then: RunEvent) -> None:
        """Settle, call `write` in the thread, and report the event `then` when it is done."""
        self.settle()
        self._held = deque([then])
        self._writing = self._pool.submit(write)

    def settle(self) -> None:
        """Wait for the write, then report the events that were held back.

        Raises:
            Exception: The write failed: none of the events is reported. Or a report raised: it and the remaining
                events are lost.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return
        writing.result()
        while self._held:
            self._report(self._held[0])
            self._held.popleft()

    def was_delivered(self, stage: Stage) -> bool:
        """Return False if an event of that stage was held back and is lost, because a write or a report raised."""
        return all(event.stage != stage for event in self._held)

    def __enter__(self) -> "EpochWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)


def copy_in_memory(state: Any) -> Any:
    """Copy a state dict to the CPU's memory. Training continues and changes the original tensors."""
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: copy_in_memory(value) for key, value in state.items()}
    if isinstance(state, list):
        return [copy_in_memory(value) for value in state]
    return state
