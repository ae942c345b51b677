"""The one stream of all tasks."""

import asyncio
import json

import pytest

from actors.tasks.feed import Change, FeedPage
from rfuav_ray.tasks import TaskStatus
from serve_app.streams import task_events
from serve_app.streams.task_events import TaskEvents
from serve_app.view.task_view import TaskView
from tests.support.sample_tasks import a_row


@pytest.fixture(autouse=True)
def _without_gathering(monkeypatch):
    monkeypatch.setattr(task_events, "GATHER_S", 0.0)


@pytest.fixture
def view():
    return TaskView()


async def next_event(stream):
    """The name and what it says, of as many parts as it has."""
    text = b""
    while not text.endswith(b"\n\n"):
        text += await anext(stream)
    name, data = text.decode().removesuffix("\n\n").split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def ids(event):
    return [task["task_id"] for task in event["tasks"]]


def reading(view, limit, use):
    """Run `use` with the stream of these tasks."""

    async def main():
        stream = TaskEvents(view).stream(limit)
        await asyncio.wait_for(use(stream), 30)
        await stream.aclose()

    asyncio.run(main())


def test_task_events_all_tasks_come_first_and_then_what_changes(view):
    view.put(a_row(1, status=TaskStatus.FAILED))
    view.put(a_row(2))

    async def use(stream):
        name, first = await next_event(stream)
        assert name == "tasks" and ids(first) == ["task-2"]
        view.put(a_row(1, version=2, status=TaskStatus.RUNNING))
        view.drop("task-2")
        name, changes = await next_event(stream)
        assert name == "changes" and changes["deleted"] == ["task-2"]
        assert [(task["task_id"], task["status"]) for task in changes["tasks"]] == [("task-1", "running")]

    reading(view, 1, use)


def test_task_events_tasks_that_wait_or_run_are_there_however_old(view):
    statuses = [TaskStatus.PENDING, TaskStatus.COMPLETED, TaskStatus.RUNNING, TaskStatus.FAILED]
    for number in range(12):
        view.put(a_row(number, status=statuses[number % 4]))

    async def use(stream):
        _, first = await next_event(stream)
        assert first["numbers"] == [11, 10, 9, 8, 6, 4, 2, 0]
        assert ids(first) == [f"task-{number}" for number in first["numbers"]]

    reading(view, 3, use)


def test_task_events_numbers_tell_the_order_of_submission_of_what_changes_too(view):
    async def use(stream):
        await next_event(stream)
        for number in (5, 3):
            view.put(a_row(number))
        _, changes = await next_event(stream)
        assert dict(zip(ids(changes), changes["numbers"], strict=True)) == {"task-5": 5, "task-3": 3}

    reading(view, 10, use)


def test_task_events_a_long_event_comes_in_parts_and_what_changes_meanwhile_behind_it(view, monkeypatch):
    monkeypatch.setattr(task_events, "TASKS_A_PART", 2)
    for number in range(5):
        view.put(a_row(number))

    async def use(stream):
        parts = [await anext(stream)]
        view.put(a_row(0, version=2, status=TaskStatus.RUNNING))
        view.drop("task-1")
        parts += [await anext(stream), await anext(stream)]
        whole = json.loads(b"".join(parts).decode().split("data: ")[1])
        assert ids(whole) == [f"task-{number}" for number in (4, 3, 2, 1, 0)]
        _, changes = await next_event(stream)
        assert (ids(changes), changes["deleted"]) == (["task-0"], ["task-1"])

    reading(view, 10, use)


def test_task_events_when_the_whole_table_comes_again_the_newest_tasks_do_and_not_all_of_them(view):
    async def use(stream):
        await next_event(stream)
        rows = [a_row(number, status=TaskStatus.COMPLETED) for number in range(1, 4)]
        changes = [Change(row.version, row.id, row, []) for row in rows]
        view.apply(FeedPage("x", 1, changes, restarts=True, forgotten_version=0, is_last=True, is_over=False))
        name, first = await next_event(stream)
        assert name == "tasks" and ids(first) == ["task-3"]

    reading(view, 1, use)


def test_task_events_a_reader_that_is_far_behind_is_told_all_tasks_again(view, monkeypatch):
    monkeypatch.setattr(task_events, "MOST_CHANGES", 3)

    async def use(stream):
        await next_event(stream)
        for number in range(5):
            view.put(a_row(number))
        view.drop("task-0")
        name, again = await next_event(stream)
        assert name == "tasks" and ids(again) == ["task-4", "task-3", "task-2", "task-1"]

    reading(view, 10, use)


def test_task_events_a_stream_ends_with_the_service_and_is_kept_awake_until_then(view, monkeypatch):
    monkeypatch.setattr(task_events, "HEARTBEAT_S", 0.01)

    async def main():
        events = TaskEvents(view)
        stream = events.stream(limit=1)
        await next_event(stream)
        assert (await anext(stream)).startswith(b":")
        events.end()
        assert [part async for part in stream if not part.startswith(b":")] == []

    asyncio.run(main())
