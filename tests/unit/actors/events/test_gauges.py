"""The gauges that monitoring reads. Ray takes the values without a cluster; here they are also noted."""

import asyncio
from functools import partial
from itertools import pairwise, product

import pytest
from ray.util.metrics import Gauge

from actors.devices.slots import SlotTable
from actors.events import gauges
from actors.events.gauges import QueueGauges, RunGauges, publish_again
from actors.tasks.feed import Change
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.tasks import TaskStatus, advance
from tests.support.sample_results import EPOCH_METRICS
from tests.support.sample_tasks import a_row, a_task
from tests.support.waiting import until

WITHIN_S = 30
PENDING, RUNNING = ("training", "pending"), ("training", "running")


class NotedGauge:
    """Publishes through Ray, which checks the tags, and notes each value."""

    def __init__(self, published, name, **options):
        self._published, self._name = published, name
        self._gauge = Gauge(name, **options)

    def set(self, value, tags=None):
        self._gauge.set(value, tags)
        self._published.append((self._name, tuple((tags or {}).values()), value))


@pytest.fixture
def published(monkeypatch):
    """What was published: name, values of the tags, value."""
    published = []
    monkeypatch.setattr(gauges, "Gauge", partial(NotedGauge, published))
    return published


def tasks_in(published):
    """The number of tasks by kind and status, as published."""
    return {tags: value for name, tags, value in published if name == "rfuav_tasks"}


def test_gauges_queue_gauges_publish_the_tasks_of_each_kind_and_status_every_time(published):
    queue = QueueGauges()
    for before, after in ((None, PENDING), (None, PENDING), (None, ("split", "pending")), (PENDING, RUNNING)):
        queue.count(before, after)
    queue.count(RUNNING, RUNNING)
    expected = dict.fromkeys(product(KINDS, map(str, TaskStatus)), 0)
    expected |= {("split", "pending"): 1, PENDING: 1, RUNNING: 1}
    for _ in range(2):
        published.clear()
        queue.publish(SlotTable({}))
        assert tasks_in(published) == expected
        assert ("rfuav_queue_length", (), 2) in published


def test_gauges_queue_gauges_a_status_that_no_task_has_any_more_is_zero(published):
    queue = QueueGauges()
    queue.count(None, RUNNING)
    queue.count(RUNNING, None)
    queue.publish(SlotTable({}))
    assert tasks_in(published)[RUNNING] == 0


def test_gauges_queue_gauges_as_many_series_after_a_thousand_tasks_as_before_the_first(published):
    queue = QueueGauges()
    queue.publish(SlotTable({}))
    before = {(name, tags) for name, tags, _ in published}
    for number in range(1000):
        waiting = a_task(number)
        running = advance(waiting, TaskStatus.RUNNING, attempt=1)
        queue.count(None, PENDING)
        queue.change(waiting, running)
        queue.change(running, advance(running, TaskStatus.COMPLETED))
    queue.publish(SlotTable({}))
    assert {(name, tags) for name, tags, _ in published} == before
    assert tasks_in(published)["training", "completed"] == 1000


def test_gauges_runs_are_counted_by_kind_and_by_how_they_ended():
    queue = QueueGauges()
    waiting = a_task(1, kind="inference")
    running = advance(waiting, TaskStatus.RUNNING, attempt=1)
    lost = advance(running, TaskStatus.PENDING, losses=1)
    again = advance(lost, TaskStatus.RUNNING, attempt=2)
    steps = [waiting, running, lost, again, advance(again, TaskStatus.PENDING)]
    for before, after in pairwise(steps):
        queue.change(before, after)
    runs = queue.runs
    counts = (runs.started["inference"], runs.retried["inference"], runs.lost["inference"])
    assert counts == (2, 2, 1)
    queue.change(again, advance(again, TaskStatus.PENDING, attempt=1))  # it was on the wrong node
    assert (runs.started["inference"], runs.retried["inference"]) == (2, 2)
    assert set(runs.lost) == set(KINDS) and runs.lost["training"] == 0


def test_gauges_queue_gauges_publish_the_slots_of_the_devices_that_are_there(published):
    slots = SlotTable({"cpu": {"training": 1, "inference": 2}, "cuda:0": {"training": 1}})
    slots.hold("task", "cpu", "inference", 0.5)
    queue = QueueGauges()
    queue.publish(slots)
    assert ("rfuav_slots_in_use", ("cuda:0", "training"), 0) in published
    published.clear()
    slots.update({}, lost={"cuda:0"})
    queue.publish(slots)
    shown = [(tags, value) for name, tags, value in published if name == "rfuav_slots_in_use"]
    assert sorted(shown) == [(("cpu", "inference"), 1), (("cpu", "training"), 0)]
    limits = [(tags, value) for name, tags, value in published if name == "rfuav_slots_limit"]
    assert sorted(limits) == [(("cpu", "inference"), 2), (("cpu", "training"), 1)]


def change(task_id, **fields):
    return Change(
        1, task_id, a_row(1, **{"status": TaskStatus.RUNNING, "latest_metrics": EPOCH_METRICS} | fields), []
    )


def tasks_of(published):
    return sorted({tags[0] for _, tags, _ in published})


def test_gauges_run_gauges_publish_the_metrics_of_the_last_epoch_every_time(published):
    runs = RunGauges()
    runs.show(change("task-1", latest_metrics=None))
    runs.publish()
    assert published == []
    runs.show(change("task-1"))
    for _ in range(2):
        published.clear()
        runs.publish()
        assert sorted(published) == [
            ("rfuav_images_per_second", ("task-1",), EPOCH_METRICS["images_per_second"]),
            ("rfuav_train_loss", ("task-1",), EPOCH_METRICS["train_loss"]),
            ("rfuav_validation_accuracy_percent", ("task-1",), EPOCH_METRICS["val_acc"]),
        ]


@pytest.mark.parametrize(
    "gone",
    [
        lambda runs: runs.show(change("task-1", status=TaskStatus.COMPLETED)),
        lambda runs: runs.show(change("task-1", status=TaskStatus.PENDING)),
        lambda runs: runs.show(Change(2, "task-1", None, [])),
        lambda runs: (runs.restart(), runs.show(change("task-2"))),
    ],
)
def test_gauges_run_gauges_a_task_that_does_not_run_is_left_out(published, gone):
    runs = RunGauges()
    runs.show(change("task-1"))
    runs.show(change("task-2"))
    gone(runs)
    runs.publish()
    assert tasks_of(published) == ["task-2"]


def test_gauges_are_published_again_and_again(published, monkeypatch):
    monkeypatch.setattr(gauges, "PUBLISH_EVERY_S", 0)
    runs = RunGauges()
    runs.show(change("task-1"))

    async def main():
        publishing = asyncio.create_task(publish_again(runs.publish))
        await until(lambda: len(published) > 9)
        publishing.cancel()

    asyncio.run(asyncio.wait_for(main(), WITHIN_S))
    assert tasks_of(published) == ["task-1"]
