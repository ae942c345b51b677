"""Applying a function to items in threads, ahead of the consumer of the results."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetched(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int,
    ahead: int,
    name: str,
    initializer: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    """Apply a function to items in a thread pool, and yield the results in the order of the items.

    Close the generator to stop early. It then waits for items that have started.

    Args:
        function: Called with one item. The generator raises its error at the position of that item.
        items: Consumed lazily.
        threads: Size of the pool.
        ahead: How many items are submitted before their results are requested, at most.
        name: Prefix of the thread names.
        initializer: Called once in each thread.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=initializer)
    try:
        remaining = iter(items)
        waiting: deque[Future[Result]] = deque()
        waiting.extend(pool.submit(function, item) for item in islice(remaining, ahead))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(remaining, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
