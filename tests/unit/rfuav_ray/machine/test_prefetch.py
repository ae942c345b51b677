"""Threads that work ahead: the order, how far ahead, errors and stopping early."""

import threading
from collections.abc import Iterator

import pytest

from rfuav_ray.machine.prefetch import prefetched

WITHIN_S = 30


def test_prefetch_results_come_in_the_order_of_the_items_however_long_each_takes() -> None:
    second_is_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_is_done.wait(WITHIN_S)  # so two threads work at once, too
        elif item == 1:
            second_is_done.set()
        return item * 10

    results = prefetched(work, range(20), threads=2, ahead=2, name="test")
    assert list(results) == [item * 10 for item in range(20)]


@pytest.mark.parametrize("ahead", [1, 3])
def test_prefetch_no_more_items_are_taken_than_it_may_be_ahead(ahead: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = prefetched(lambda item: item, items(), threads=4, ahead=ahead, name="test")
    for wanted in range(10):
        assert next(results) == wanted
        assert len(taken) == wanted + 1 + ahead
    results.close()
    assert len(taken) == 10 + ahead


def test_prefetch_an_error_comes_when_it_is_its_turn_and_ends_the_threads() -> None:
    def work(item: int) -> float:
        return 1 / (item - 2)

    results = prefetched(work, range(10), threads=2, ahead=5, name="failing")
    assert [next(results), next(results)] == [-0.5, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("failing")]
