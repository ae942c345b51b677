"""Waits for what other tasks of the same event loop do."""

import asyncio
from collections.abc import Callable

#: more steps of the event loop than any chain of callbacks in the tests has
STEPS = 20


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  (whoever fulfils the condition does not know of this wait)
        await asyncio.sleep(0)


async def others_had_their_turn() -> None:
    """Everything that waits for nothing but its turn has been done."""
    for _ in range(STEPS):
        await asyncio.sleep(0)
