"""A function of one item after another, computed by threads ahead of whoever wants the results."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def working_ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int,
    ahead: int,
    name: str,
    initializer: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    """The results in the order of the items; at most `ahead` items are begun before their result is wanted.

    `initializer` is called in each thread, whose names begin with `name`. Raises what `function` raises when it is
    that result's turn. Close it to stop early: items that are begun are waited for.
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
