"""The MetricsActor by itself: what it stores, and which logs stay in memory."""

import asyncio

import pytest

from actors.events.event_log import EventReport, first_event
from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from tests.support.metrics import metrics_actor
from tests.support.store_writes import watched_writes

FINAL = {"message": "end", "stage": "completed", "status": "completed"}


@pytest.fixture
def writes(monkeypatch):
    return watched_writes(monkeypatch, "append_events")


@pytest.fixture
def actor(tmp_path):
    prepare_store(database_url("", tmp_path))
    return metrics_actor(tmp_path)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def entries(first, last):
    return [{"message": str(number)} for number in range(first, last + 1)]


def test_metrics_actor_a_restarted_actor_goes_on_where_the_log_ended(actor, tmp_path):
    async def main():
        await actor.append(EventReport("task", "run", 0, entries(1, 2)))
        again = metrics_actor(tmp_path)
        await again.append(EventReport("task", "run", 1, entries(2, 3)))
        await again.append(EventReport("task", "manager", 0, [FINAL]))
        page = await again.read("task")
        assert page.is_last
        third = await metrics_actor(tmp_path).read("task", after=2)
        return [number for number, _ in page.events], [number for number, _ in third.events], third.is_last

    assert run(main()) == ([1, 2, 3, 4], [3, 4], True)


def test_metrics_actor_a_report_that_could_not_be_stored_is_taken_when_it_comes_again(writes, actor):
    async def main():
        writes.before = _disk_full
        with pytest.raises(OSError, match="full"):
            await actor.append(EventReport("task", "run", 0, entries(1, 2)))
        writes.before = lambda rows: None
        await actor.append(EventReport("task", "run", 0, entries(1, 2)))
        return (await actor.read("task")).events

    assert [number for number, _ in run(main())] == [1, 2]


def _disk_full(*_):
    raise OSError("disk full")


def test_metrics_actor_forgotten_events_are_gone_and_the_id_is_free(actor):
    async def main():
        await actor.append(EventReport("task", "manager", 0, [FINAL]))
        assert await actor.closed_streams() == {"task"}
        await actor.forget(["task"])
        await actor.append(EventReport("task", "run", 0, entries(1, 1)))
        return (await actor.read("task")).events, await actor.closed_streams()

    events, closed = run(main())
    assert [number for number, _ in events] == [1] and closed == set()


def test_metrics_actor_reports_that_come_together_are_stored_together_each_in_its_log(writes, actor):
    written = []
    writes.before = lambda rows: written.append(len(rows))

    async def main():
        reports = [EventReport(task, "manager", 0, entries(1, 2)) for task in ("a", "b", "c")]
        assert await actor.append_batch(reports) == [None, None, None]
        assert await actor.append_batch([EventReport("a", "manager", 0, entries(1, 2))]) == [None]  # once more
        return [[number for number, _ in (await actor.read(task)).events] for task in ("a", "b", "c")]

    assert run(main()) == [[1, 2]] * 3
    assert sum(written) == 6 and len(written) <= 2


def test_metrics_actor_what_could_not_be_stored_of_reports_is_said_for_each(writes, actor):
    writes.before = _disk_full

    async def main():
        return await actor.append_batch([EventReport(task, "manager", 0, entries(1, 1)) for task in ("a", "b")])

    assert [type(error) for error in run(main())] == [OSError, OSError]


def test_metrics_actor_a_log_goes_on_behind_what_was_stored_with_its_task(actor, tmp_path):
    async def main():
        assert (await actor.read("task")).events == []  # before there is such a task
        Store(database_url("", tmp_path)).write_tasks([first_event("task", {"message": "accepted"})])
        await actor.append_batch([EventReport("task", "run", 0, entries(2, 3))])
        return (await actor.read("task")).events

    assert run(main()) == [(1, '{"message": "accepted"}'), (2, '{"message": "2"}'), (3, '{"message": "3"}')]


def test_metrics_actor_a_store_that_does_not_answer_is_said_for_each_report(actor, monkeypatch):
    monkeypatch.setattr(Store, "last_events", _disk_full)

    async def main():
        return await actor.append_batch([EventReport(task, "manager", 0, entries(1, 1)) for task in ("a", "b")])

    assert [type(error) for error in run(main())] == [OSError, OSError]


@pytest.fixture
def loads(actor, monkeypatch):
    """`loads(task_id)`: whether the actor has to load the log from the store before it can be read."""
    loaded = []
    last_events = Store.last_events

    def load(store, task_ids):
        loaded.extend(task_ids)
        return last_events(store, task_ids)

    monkeypatch.setattr(Store, "last_events", load)

    async def ask(task_id):
        loaded.clear()
        await actor.read(task_id)
        return loaded == [task_id]

    return ask


def test_metrics_actor_logs_of_ended_tasks_leave_the_memory_and_those_of_living_ones_stay(
    actor, loads, monkeypatch
):
    monkeypatch.setattr("actors.events.metrics_actor.KEPT_LOGS", 2)

    async def main():
        await actor.append(EventReport("alive", "run", 0, entries(1, 1)))
        for number in range(5):
            await actor.append(EventReport(f"ended-{number}", "manager", 0, [FINAL]))
        assert [await loads(task_id) for task_id in ("alive", "ended-3", "ended-4")] == [False] * 3
        for number in range(5):  # repeated after a lost answer
            await actor.append(EventReport(f"ended-{number}", "manager", 0, [FINAL]))
        assert [await loads(task_id) for task_id in ("alive", "ended-3", "ended-4")] == [False] * 3
        assert await loads("ended-0")
        return len((await actor.read("ended-0")).events)

    assert run(main()) == 1


def test_metrics_actor_an_id_that_a_new_task_has_keeps_the_new_log(actor, loads, monkeypatch):
    monkeypatch.setattr("actors.events.metrics_actor.KEPT_LOGS", 1)

    async def main():
        await actor.append(EventReport("task", "manager", 0, [FINAL]))
        await actor.forget(["task"])
        await actor.append(EventReport("task", "manager", 0, entries(1, 1)))
        for number in range(3):
            await actor.append(EventReport(f"ended-{number}", "manager", 0, [FINAL]))
        return await loads("task")

    assert not run(main())
