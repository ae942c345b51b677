"""Batches items that wait at the same time: one call for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from actors.background import Jobs

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
        self._jobs = Jobs()

    async def add(self, item: Item) -> Answer:
        """Add an item, and return or raise its answer. Cancelling the caller does not withdraw the item."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answered))
        self._jobs.keep("the sender of batches", self._send_all)
        return await asyncio.shield(answered)

    async def _send_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            answers: Sequence[Answer | Exception]
            try:
                answers = await self._hand_over([item for item, _ in batch])
                if len(answers) != len(batch):
                    raise ValueError(f"{len(batch)} items got {len(answers)} answers")
            except Exception as error:
                answers = [error] * len(batch)
            for (_, answered), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    answered.set_exception(answer)
                else:
                    answered.set_result(answer)
