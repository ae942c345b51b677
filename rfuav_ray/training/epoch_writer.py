"""Writes a finished epoch in a thread, while the next one computes."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

import torch

from rfuav_ray.events import Report, RunEvent, Stage


class EpochWriter:
    """A Report for a training: what is reported while an epoch is written is held back until it is.

    So the end of an epoch is heard of when it is on the disk, and not after what follows it; and an order to stop,
    which a report brings, finds results that belong together.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="epoch-writer")
        self._writing: Future[None] | None = None
        self._held: deque[RunEvent] = deque()

    def __call__(self, event: RunEvent) -> None:
        """Raises what `settle` does."""
        if self._writing is None:
            self._report(event)
            return
        self._held.append(event)
        if self._writing.done():
            self.settle()

    def write(self, write: Callable[[], None], then: RunEvent) -> None:
        """Begin to write, and report the event when that is done."""
        self.settle()
        self._held = deque([then])
        self._writing = self._pool.submit(write)

    def settle(self) -> None:
        """Wait for the write, and report what was held back.

        Raises what the write raised, and then nothing of it is reported; and what the report raises, which the
        events after it are lost by.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return
        writing.result()
        while self._held:
            self._report(self._held[0])
            self._held.popleft()

    def was_told(self, stage: Stage) -> bool:
        """False when a report that raised kept an event of that stage from being told."""
        return all(event.stage != stage for event in self._held)

    def __enter__(self) -> "EpochWriter":
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
