"""Waits for what other tasks of the same event loop do, and for processes that tell nobody what they did."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

#: more steps of the event loop than any chain of callbacks in the tests has
STEPS = 20


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  (whoever fulfils the condition does not know of this wait)
        await asyncio.sleep(0)


async def others_had_their_turn() -> None:
    """Everything that waits for nothing but its turn has been done."""
    for _ in range(STEPS):
        await asyncio.sleep(0)


def ask_until(
    is_right: Callable[[Answer], object], ask: Callable[[], Answer], *, within_s: float = 60.0
) -> Answer:
    """Ask again and again until the answer is right; that answer."""
    deadline_s = time.monotonic() + within_s
    while not is_right(found := ask()):
        assert time.monotonic() < deadline_s, found
    return found
