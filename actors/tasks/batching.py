"""What waits at the same time is done together: one call, one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Together(Generic[Item, Answer]):
    """Hands over, in the order of the calls, all items that came while the last ones were on their way."""

    def __init__(self, hand_over: Callable[[list[Item]], Awaitable[Sequence[Answer | Exception]]]) -> None:
        """`hand_over` returns an answer or an error for each item, or raises the error of all."""
        self._hand_over = hand_over
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._unanswered: set[asyncio.Future[Answer]] = set()
        self._sender: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """Returns, or raises, the item's answer. A caller that goes away does not take its item back."""
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
        """Wait until what waits now has its answer; not for what comes meanwhile."""
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
    """Writes in the order of the calls; each call returns when its items are on disk."""

    def __init__(self, save: Callable[[list[Item]], None]) -> None:
        self._save = save
        self._together: Together[Sequence[Item], None] = Together(self._save_all)

    async def write(self, items: Sequence[Item]) -> None:
        """Raises what the store raised; then nothing of its transaction is stored."""
        await self._together.add(items)

    async def _save_all(self, batch: list[Sequence[Item]]) -> list[None]:
        await asyncio.to_thread(self._save, [item for items in batch for item in items])
        return [None] * len(batch)
