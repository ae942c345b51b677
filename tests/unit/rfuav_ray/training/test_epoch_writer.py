import threading
from collections.abc import Callable, Iterator

import pytest
import torch

from rfuav_ray.errors import RunInterrupted
from rfuav_ray.events import RunEvent
from rfuav_ray.training.epoch_writer import EpochWriter, copy_in_memory

END = RunEvent(stage="epoch_end", message="epoch 1 has ended")
START = RunEvent(stage="epoch_start", message="epoch 2 begins")
BATCH = RunEvent(stage="training", progress=50)


class Disk:
    """A write that lasts until it may end."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_end = threading.Event()
        self.has_written = False
        self._error = error

    def write(self) -> None:
        assert self.may_end.wait(10)
        if self._error is not None:
            raise self._error
        self.has_written = True


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.may_end.set()


@pytest.fixture
def told() -> list[RunEvent]:
    return []


def test_epoch_writer_reports_pass_when_nothing_is_written(told: list[RunEvent]) -> None:
    with EpochWriter(told.append) as writer:
        writer(START)
        assert told == [START]
        writer.settle()
    assert told == [START]


def test_epoch_writer_what_is_reported_in_the_meantime_is_told_after_the_write_in_its_order(
    told: list[RunEvent], disk: Disk
) -> None:
    with EpochWriter(told.append) as writer:
        writer.write(disk.write, END)
        writer(START)
        writer(BATCH)
        assert told == []
        disk.may_end.set()
        writer.settle()
        assert disk.has_written
        assert told == [END, START, BATCH]
        writer(BATCH)
    assert told == [END, START, BATCH, BATCH]


def test_epoch_writer_the_end_is_told_by_the_first_report_after_the_write(
    told: list[RunEvent], disk: Disk
) -> None:
    with EpochWriter(told.append) as writer:
        writer.write(disk.write, END)
        disk.may_end.set()
        reports = 0
        while not told:
            writer(BATCH)
            reports += 1
    assert told == [END, *[BATCH] * reports]


def test_epoch_writer_writes_keep_their_order(told: list[RunEvent]) -> None:
    written: list[int] = []
    with EpochWriter(told.append) as writer:
        for number in range(5):
            writer.write(lambda number=number: written.append(number), END)  # type: ignore[misc]
            assert len(told) == number
        writer.settle()
    assert written == list(range(5))
    assert told == [END] * 5


@pytest.mark.parametrize(
    "call", [EpochWriter.settle, lambda writer: writer.write(lambda: None, END)], ids=["settle", "write"]
)
def test_epoch_writer_a_write_that_fails_is_raised_once_and_nothing_of_it_is_told(
    told: list[RunEvent], call: Callable[[EpochWriter], None]
) -> None:
    disk = Disk(OSError("disk full"))
    with EpochWriter(told.append) as writer:
        writer.write(disk.write, END)
        disk.may_end.set()
        with pytest.raises(OSError, match="disk full"):
            call(writer)
        writer.settle()
    assert told == []


def test_epoch_writer_a_write_that_fails_is_raised_by_a_report(told: list[RunEvent]) -> None:
    disk = Disk(OSError("disk full"))
    with EpochWriter(told.append) as writer:
        writer.write(disk.write, END)
        disk.may_end.set()
        with pytest.raises(OSError, match="disk full"):
            while True:
                writer(BATCH)
    assert told == []


@pytest.mark.parametrize(
    ("at", "is_start_told"), [("epoch_end", False), ("epoch_start", False), ("training", True)]
)
def test_epoch_writer_an_order_to_stop_is_heard_after_the_write(disk: Disk, at: str, is_start_told: bool) -> None:
    def report(event: RunEvent) -> None:
        if event.stage == at:
            assert disk.has_written
            raise RunInterrupted

    with EpochWriter(report) as writer:
        writer.write(disk.write, END)
        writer(START)
        writer(BATCH)
        writer(BATCH)
        disk.may_end.set()
        with pytest.raises(RunInterrupted):
            writer.settle()
        assert writer.was_delivered("epoch_start") == is_start_told


def test_epoch_writer_the_end_of_the_block_waits_for_the_write(disk: Disk) -> None:
    with pytest.raises(KeyboardInterrupt), EpochWriter(lambda event: None) as writer:
        writer.write(disk.write, END)
        threading.Timer(0.05, disk.may_end.set).start()
        raise KeyboardInterrupt
    assert disk.has_written


def test_epoch_writer_a_copy_does_not_change_with_the_state() -> None:
    weight = torch.ones(1, 2, 4, 4).to(memory_format=torch.channels_last)
    groups = [{"lr": 0.1, "params": [0]}]
    state = {"state": {0: {"step": torch.tensor(1.0), "weight": weight}}, "groups": groups}
    copy = copy_in_memory(state)
    weight.zero_()
    assert copy["state"][0]["weight"].sum() == 32
    assert copy["state"][0]["weight"].is_contiguous(memory_format=torch.channels_last)
    assert copy["groups"] == groups
    assert copy["groups"][0] is not groups[0]
