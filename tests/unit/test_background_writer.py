import threading
from collections.abc import Callable

import pytest
import torch

from rfuav_ray.background_writer import BackgroundWriter, copy_in_memory


def failing(text: str) -> Callable[[], None]:
    def write() -> None:
        raise OSError(text)

    return write


def test_the_block_ends_when_all_is_written() -> None:
    may_write, written = threading.Event(), []
    with BackgroundWriter() as writer:
        writer.start(lambda: (may_write.wait(10), written.append(1))[1])
        writer.raise_if_failed()  # does not wait
        assert written == []
        may_write.set()
    assert written == [1]


def test_writes_keep_their_order() -> None:
    written: list[int] = []
    with BackgroundWriter() as writer:
        for number in range(5):
            writer.start(lambda number=number: written.append(number))  # type: ignore[misc]
        writer.wait()
        assert written == list(range(5))


@pytest.mark.parametrize("call", [lambda writer: writer.wait(), lambda writer: writer.start(lambda: None)])
def test_a_failure_is_raised_once_by_the_next_call(call: Callable[[BackgroundWriter], None]) -> None:
    with BackgroundWriter() as writer:
        writer.start(failing("disk full"))
        with pytest.raises(OSError, match="disk full"):
            call(writer)
        writer.wait()


def test_a_failure_is_raised_without_waiting_for_another_write() -> None:
    with BackgroundWriter() as writer, pytest.raises(OSError, match="disk full"):
        writer.start(failing("disk full"))
        while True:
            writer.raise_if_failed()


def test_a_copy_does_not_change_with_the_state() -> None:
    weight = torch.ones(1, 2, 4, 4).to(memory_format=torch.channels_last)
    state = {"state": {0: {"step": torch.tensor(1.0), "weight": weight}}, "groups": [{"lr": 0.1, "params": [0]}]}
    copy = copy_in_memory(state)
    weight.zero_()
    assert copy["state"][0]["weight"].sum() == 32
    assert copy["state"][0]["weight"].is_contiguous(memory_format=torch.channels_last)
    assert copy["groups"] == state["groups"]
    assert copy["groups"][0] is not state["groups"][0]
