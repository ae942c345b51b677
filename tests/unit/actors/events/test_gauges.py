"""The gauges that monitoring reads. Ray takes the values without a cluster; here they are also noted."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from ray.util.metrics import Gauge

from actors.devices.slots import Offer, SlotTable
from actors.events import gauges
from actors.events.gauges import QueueGauges, RunGauges
from actors.tasks.feed import Change
from tests.support.sample_tasks import a_row

WITHIN_S = 30
PENDING, RUNNING = ("training", "pending"), ("training", "running")
METRICS = {"train_loss": 0.5, "val_acc": 93, "images_per_second": 120.0, "val_loss": 1.0}


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
    monkeypatch.setattr(gauges, "PUBLISH_AFTER_S", 0)
    return published


def after_publishing(*steps):
    """Do steps with new gauges. Between two steps, all that waits is published."""

    async def main():
        queue = QueueGauges()
        for step in steps:
            step(queue)
            is_published = asyncio.Event()
            asyncio.get_running_loop().call_later(gauges.PUBLISH_AFTER_S, is_published.set)
            await is_published.wait()

    asyncio.run(asyncio.wait_for(main(), WITHIN_S))


def test_gauges_queue_gauges_publish_the_tasks_of_each_kind_and_status(published):
    def submit(queue):
        for before, after in ((None, PENDING), (None, PENDING), (None, ("split", "pending")), (PENDING, RUNNING)):
            queue.count(before, after)

    after_publishing(submit)
    assert sorted(published) == [
        ("rfuav_queue_length", (), 2),
        ("rfuav_tasks", ("split", "pending"), 1),
        ("rfuav_tasks", PENDING, 1),
        ("rfuav_tasks", RUNNING, 1),
    ]


def test_gauges_queue_gauges_publish_again_only_what_has_changed(published):
    def submit(queue):
        queue.count(None, PENDING)
        queue.count(None, RUNNING)

    def delete(queue):
        published.clear()
        queue.count(RUNNING, None)

    after_publishing(submit, delete)
    assert sorted(published) == [("rfuav_queue_length", (), 1), ("rfuav_tasks", RUNNING, 0)]


def test_gauges_queue_gauges_a_change_of_something_else_is_not_published(published):
    after_publishing(lambda queue: queue.count(RUNNING, RUNNING))
    assert published == []


def test_gauges_queue_gauges_publish_the_slots_as_they_are_at_that_time(published):
    slots = SlotTable({})

    def show(queue):
        queue.show_slots(slots)
        slots.update({"cpu": Offer({"training": 1, "inference": 2})})
        slots.hold("task", "cpu", "inference", 0.5)

    after_publishing(show)
    shown = [(tags, value) for name, tags, value in published if name == "rfuav_slots_in_use"]
    assert sorted(shown) == [(("cpu", "inference"), 1), (("cpu", "training"), 0)]


def test_gauges_run_gauges_publish_the_metrics_of_ended_epochs(published):
    entries: list[dict[str, Any]] = [
        {"message": "starts", "stage": "epoch_start"},
        {"message": "a batch", "stage": "training", "metrics": {"train_loss": 9.0}},
        {"message": "ends", "stage": "epoch_end", "metrics": METRICS},
    ]
    events = [(number, json.dumps(entry)) for number, entry in enumerate(entries, 1)]
    RunGauges().show(Change(1, "task-1", a_row(1), events))
    assert sorted(published) == [
        ("rfuav_images_per_second", ("task-1",), 120.0),
        ("rfuav_train_loss", ("task-1",), 0.5),
        ("rfuav_validation_accuracy_percent", ("task-1",), 93.0),
    ]
