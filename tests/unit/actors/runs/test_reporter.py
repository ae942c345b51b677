"""The reports of a run on their way to the TaskManager, over its real table and store."""

import threading
from datetime import datetime

import pytest

from actors.runs import reporter as reporting
from actors.runs.reporter import Reporter
from actors.runs.spec import RunSpec
from rfuav_ray.errors import RunCancelled, RunInterrupted
from rfuav_ray.events import RunEvent
from tests.support.sample_results import EPOCH_METRICS
from tests.support.sample_tasks import run_of

SPEC = RunSpec(run_of("task", 2), "task", "training", 2, {}, "cpu", 1)
WITHIN_S = 30


@pytest.fixture
def reporter(actors):
    return Reporter(SPEC, actors.handle)


@pytest.fixture
def only_at_the_end(actors, monkeypatch):
    """Nothing is delivered before the reporter is left."""
    monkeypatch.setattr(reporting, "FIRST_REPORT_AFTER_S", WITHIN_S)


def report(reporter: Reporter, *messages: str) -> None:
    for message in messages:
        reporter.report(RunEvent(message=message))


def report_until_stopped(reporter: Reporter) -> None:
    while True:
        reporter.report(RunEvent(progress=50))


def test_reporter_delivers_what_was_reported_in_order(reporter, actors):
    with reporter:
        report(reporter, *map(str, range(100)))
    assert actors.messages() == [str(number) for number in range(100)]


@pytest.mark.usefixtures("only_at_the_end")
def test_reporter_delivers_in_batches_and_the_rest_when_it_is_left(reporter, actors):
    with reporter:
        report(reporter, "one", "two", "three")
        assert actors.messages() == []
    assert actors.messages() == ["one", "two", "three"]
    assert actors.manager.batches == [3]


def test_reporter_delivers_the_rest_of_a_run_that_failed(reporter, actors):
    with pytest.raises(ZeroDivisionError), reporter:
        report(reporter, "last words")
        raise ZeroDivisionError
    assert actors.messages() == ["last words"]


def test_reporter_writes_only_the_fields_that_an_event_has(reporter, actors):
    with reporter:
        reporter.report(RunEvent(message="plain"))
        reporter.report(
            RunEvent(message="end \udcff", level="WARNING", stage="epoch_end", step=3, metrics=EPOCH_METRICS)
        )
    plain, end = actors.log()
    assert datetime.fromisoformat(plain.pop("timestamp")).utcoffset() is not None
    assert plain == {"level": "INFO", "message": "plain"}
    end.pop("timestamp")
    expected = {
        "message": "end \\udcff",
        "level": "WARNING",
        "stage": "epoch_end",
        "step": 3,
        "metrics": EPOCH_METRICS,
    }
    assert end == expected


def test_reporter_an_event_without_a_message_only_updates_the_progress(reporter, actors):
    with reporter:
        reporter.report(RunEvent(message="begins", progress=1, epoch=4))
        reporter.report(RunEvent(progress=20, stage="training", metrics={"images_per_second": 1.0}))
    assert actors.messages() == ["begins"]
    task = actors.task()
    assert (task.progress, task.current_epoch, task.message, task.latest_metrics) == (20, 4, "begins", None)


def test_reporter_the_metrics_of_an_epochs_end_stay_until_the_next(reporter, actors):
    with reporter:
        reporter.report(RunEvent(message="end", stage="epoch_end", epoch=1, metrics=EPOCH_METRICS))
        reporter.report(RunEvent(message="again", stage="training", epoch=2, metrics={"images_per_second": 1.0}))
    task = actors.task()
    assert (task.current_epoch, task.message, task.latest_metrics) == (2, "again", EPOCH_METRICS)


@pytest.mark.parametrize("failure", ["away", "answer lost"])
def test_reporter_repeats_a_report_until_it_is_stored_once(reporter, actors, failure):
    actors.manager.failures = [failure] * 3
    with reporter:
        report(reporter, "one", "two")
    assert actors.messages() == ["one", "two"]
    assert len(actors.manager.batches) > 3


def test_reporter_repeats_a_report_until_the_disk_has_space(reporter, actors):
    actors.manager.store.is_full = True
    with reporter:
        report(reporter, "one")
        for _ in range(3):
            actors.manager.is_asked.clear()
            assert actors.manager.is_asked.wait(WITHIN_S)
        actors.manager.store.is_full = False
    assert actors.messages() == ["one"]


def test_reporter_waits_for_a_task_manager_that_restarts(reporter, actors):
    actors.manager.failures = ["away"] * 3
    with reporter:
        reporter.report(RunEvent(message="one", progress=7))
    assert actors.messages() == ["one"]
    assert actors.task().progress == 7


def test_reporter_keeps_what_is_reported_during_a_delivery(reporter, actors):
    during = ["two"]
    is_second_delivery = threading.Event()

    def on_report() -> None:
        if during:
            report(reporter, during.pop())
        else:
            is_second_delivery.set()

    actors.manager.on_report = on_report
    with reporter:
        report(reporter, "one")
        assert is_second_delivery.wait(WITHIN_S)
    assert actors.messages() == ["one", "two"]


def test_reporter_gives_up_on_actors_that_stay_away(reporter, actors, monkeypatch):
    monkeypatch.setattr(reporting, "FLUSH_TIMEOUT_S", 0)
    actors.manager.failures = ["away"] * 10_000
    with reporter:
        report(reporter, "nobody reads this")
    assert actors.messages() == []


@pytest.mark.parametrize(("order", "error"), [("cancel", RunCancelled), ("interrupt", RunInterrupted)])
def test_reporter_an_order_ends_the_run_at_its_next_report(reporter, actors, order, error):
    actors.instruct(order)
    with reporter:
        with pytest.raises(error):
            report_until_stopped(reporter)
        with pytest.raises(error):
            report(reporter, "from here on every report")
    assert actors.messages() == []


@pytest.mark.parametrize(("order", "error"), [("cancel", RunCancelled), ("interrupt", RunInterrupted)])
def test_reporter_an_order_is_heard_while_the_log_cannot_be_written(reporter, actors, monkeypatch, order, error):
    monkeypatch.setattr(reporting, "MAX_WAITING_ENTRIES", 1)
    actors.manager.store.is_full = True
    with reporter:
        report(reporter, "one")
        actors.instruct(order)
        with pytest.raises(error):
            report(reporter, "two", "three")
        actors.manager.store.is_full = False
    assert actors.messages() == ["one"]


def test_reporter_blocks_a_run_whose_entries_are_not_delivered(reporter, actors, monkeypatch):
    monkeypatch.setattr(reporting, "MAX_WAITING_ENTRIES", 2)
    actors.manager.store.is_full = True
    all_accepted = threading.Event()

    def work() -> None:
        report(reporter, "one", "two", "three")
        all_accepted.set()

    working = threading.Thread(target=work)
    with reporter:
        working.start()
        for _ in range(3):  # whole rounds of deliveries, all in vain
            actors.manager.is_asked.clear()
            assert actors.manager.is_asked.wait(WITHIN_S)
        assert not all_accepted.is_set()
        actors.manager.store.is_full = False
        assert all_accepted.wait(WITHIN_S)
        working.join()
    assert actors.messages() == ["one", "two", "three"]
    assert max(actors.manager.batches) == 2


@pytest.mark.usefixtures("only_at_the_end")
def test_reporter_note_drops_what_a_full_reporter_cannot_take(reporter, actors, monkeypatch):
    monkeypatch.setattr(reporting, "MAX_WAITING_ENTRIES", 2)
    with reporter:
        for message in ("one", "two", "three"):
            reporter.note(RunEvent(message=message, level="WARNING"))
    assert actors.messages() == ["one", "two"]


def test_reporter_note_does_not_stop_a_cancelled_run(reporter, actors):
    actors.instruct("cancel")
    with reporter:
        with pytest.raises(RunCancelled):
            report_until_stopped(reporter)
        reporter.note(RunEvent(message="noticed late", level="WARNING"))
    assert actors.messages() == ["noticed late"]
