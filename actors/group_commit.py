"""Many small writes that wait at the same time become one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Writes in the order of the calls; each call returns when its items are on disk."""

    def __init__(self, save: Callable[[list[T]], None]) -> None:
        self._save = save
        self._waiting: list[tuple[Sequence[T], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, items: Sequence[T]) -> None:
        """Raises what the store raised; then nothing of its transaction is stored."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((items, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        # A caller that goes away must not take the others' transaction with it.
        await asyncio.shield(stored)

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._save, [item for items, _ in batch for item in items])
            except Exception as error:
                for _, stored in batch:
                    stored.set_exception(error)
            else:
                for _, stored in batch:
                    stored.set_result(None)
