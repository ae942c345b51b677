"""Batches items that wait at the same time: one call or one transaction for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Sends items in batches, in the order of the calls. Items that arrive during one batch form the next one."""

    def __init__(self, hand_over: Callable[[list[Item]], Awaitable[Sequence[Answer | Exception]]]) -> None:
        """Create an empty batch.

        Args:
            hand_over: Sends a batch. Returns an answer or an error for each item, or raises one error for all.
        """
        self._hand_over = hand_over
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._unanswered: set[asyncio.Future[Answer]] = set()
        self._sender: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """Add an item, and return or raise its answer. Cancelling the caller does not withdraw the item."""
        return await asyncio.shield(self.put(item))

    def put(self, item: Item) -> "asyncio.Future[Answer]":
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answered))
        self._unanswered.add(answered)
        answered.add_done_callback(self._unanswered.discard)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        return answered

    async def handed_over(self) -> None:
        """Wait until all items added so far have their answers. Later items are not waited for."""
        if self._unanswered:
            await asyncio.wait(set(self._unanswered))

    async def _send_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            answers: Sequence[Answer | Exception]
            try:
                answers = await self._hand_over([item for item, _ in batch])
            except Exception as error:
                answers = [error] * len(batch)
            for (_, answered), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    answered.set_exception(answer)
                else:
                    answered.set_result(answer)


class GroupCommit(Generic[Item]):
    """Writes items in batches, in the order of the calls. A call returns when its items are on disk."""

    def __init__(self, save: Callable[[list[Item]], None]) -> None:
        self._save = save
        self._together: Batcher[Sequence[Item], None] = Batcher(self._save_all)

    async def write(self, items: Sequence[Item]) -> None:
        """Write the items. Raises the store's error; then nothing of that transaction is stored."""
        await self._together.add(items)

    async def _save_all(self, batch: list[Sequence[Item]]) -> list[None]:
        await asyncio.to_thread(self._save, [item for items in batch for item in items])
        return [None] * len(batch)
