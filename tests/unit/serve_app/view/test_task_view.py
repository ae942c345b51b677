import asyncio
import json
import random
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest

from actors.tasks.feed import FeedPage
from rfuav_ray.tasks import TaskStatus
from serve_app.view.task_view import TaskCopy, TaskView
from tests.support.sample_tasks import a_row


def a_page(*rows, deleted=(), restarts=False, is_last=True):
    return FeedPage("x", 1, list(rows), list(deleted), restarts, is_last, is_over=False)


def ids(copy, kinds=None, statuses=None, offset=0, limit=100):
    page = copy.newest(kinds, statuses, offset=offset, limit=limit)
    return [json.loads(answer.body)["task_id"] for _, answer in page]


def position(copy, number):
    task = copy.get(f"task-{number}")
    assert task is not None
    return copy.queue_position(task)


def test_task_view_newest_first_whatever_the_order_of_arrival():
    copy = TaskCopy()
    for number in (2, 3, 1):
        copy.put(a_row(number))
    assert ids(copy) == ["task-3", "task-2", "task-1"]


def test_task_view_a_page_of_some_kinds_and_statuses_and_how_many_there_are():
    copy = TaskCopy()
    kinds = ("training", "inference", "split")
    statuses = (TaskStatus.COMPLETED, TaskStatus.FAILED)
    for number in range(12):
        copy.put(a_row(number, kind=kinds[number % 3], status=statuses[number % 2]))
    assert ids(copy, {"training"}) == ["task-9", "task-6", "task-3", "task-0"]
    assert ids(copy, None, {"failed"}, offset=1, limit=2) == ["task-9", "task-7"]
    assert ids(copy, {"inference", "split"}, {"completed"}) == ["task-10", "task-8", "task-4", "task-2"]
    assert (copy.count(None, None), copy.count({"split"}, None), copy.count({"split"}, {"failed"})) == (12, 4, 2)
    copy.put(a_row(0, version=2, status=TaskStatus.FAILED))
    assert copy.count({"training"}, {"failed"}) == 3 and copy.count(None, None) == 12


@pytest.mark.parametrize("kinds", [None, {"training"}, {"inference", "split"}, {"crop"}])
@pytest.mark.parametrize("statuses", [None, {"failed"}, {"completed", "pending"}])
def test_task_view_every_page_is_a_part_of_the_whole_list(kinds, statuses):
    numbers = random.Random(4)
    rows = [
        a_row(
            number,
            kind=numbers.choice(["training", "inference", "split"]),
            status=numbers.choice([TaskStatus.PENDING, TaskStatus.COMPLETED, TaskStatus.FAILED]),
        )
        for number in numbers.sample(range(1, 200), 60)
    ]
    copy = TaskCopy()
    for row in rows:
        copy.put(row)
    chosen = [r for r in rows if (not kinds or r.kind in kinds) and (not statuses or r.status in statuses)]
    whole = [row.id for row in sorted(chosen, key=lambda row: row.number, reverse=True)]
    for offset in range(len(whole) + 3):
        for limit in (1, 7, 100):
            assert ids(copy, kinds, statuses, offset, limit) == whole[offset : offset + limit]


def test_task_view_an_older_state_never_replaces_a_newer_one():
    copy = TaskCopy()
    copy.put(a_row(1, version=5, status=TaskStatus.RUNNING))
    copy.put(a_row(1, version=4))
    assert copy.get("task-1").status is TaskStatus.RUNNING


def test_task_view_a_new_task_with_the_id_of_a_deleted_one_replaces_it():
    copy = TaskCopy()
    copy.put(a_row(1, version=9, status=TaskStatus.COMPLETED))
    copy.put(a_row(2, version=3)._replace(id="task-1"))
    assert ids(copy) == ["task-2"] and copy.count(None, {"completed"}) == 0


def test_task_view_the_queue_position_counts_those_that_start_earlier():
    copy = TaskCopy()
    for row in (a_row(1), a_row(2), a_row(3, priority=1)):
        copy.put(row)
    assert [position(copy, number) for number in (1, 2, 3)] == [2, 3, 1]
    copy.put(a_row(3, priority=1, version=2, status=TaskStatus.RUNNING))
    copy.put(a_row(2, priority=1, version=3))
    assert [position(copy, number) for number in (1, 2, 3)] == [2, 1, None]


def test_task_view_a_deleted_task_is_gone_and_deleting_twice_is_harmless():
    view = TaskView()
    view.put(a_row(1, status=TaskStatus.FAILED))
    view.put(a_row(2))
    view.drop("task-1")
    view.drop("task-1")
    assert view.copy.get("task-1") is None and ids(view.copy) == ["task-2"]


def test_task_view_a_new_feed_replaces_the_copy_when_all_of_it_is_there():
    view = TaskView()
    view.put(a_row(1, version=9))
    view.apply(a_page(a_row(2), restarts=True, is_last=False))
    view.put(a_row(4))
    assert ids(view.copy) == ["task-4", "task-1"]
    view.apply(a_page(a_row(3)))
    assert ids(view.copy) == ["task-4", "task-3", "task-2"]
    assert position(view.copy, 2) == 1


def test_task_view_a_page_changes_and_deletes():
    view = TaskView()
    view.put(a_row(1))
    view.put(a_row(2))
    view.apply(a_page(a_row(2, version=2, status=TaskStatus.RUNNING), deleted=["task-1"]))
    assert ids(view.copy) == ["task-2"] and view.copy.get("task-2").status is TaskStatus.RUNNING


def running(**fields):
    return a_row(1, status=TaskStatus.RUNNING, **fields)


def ended(**fields):
    return a_row(1, status=TaskStatus.COMPLETED, **fields)


async def everything_else():
    """Let all that could go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "change",
    [
        lambda view: view.put(ended(version=3)),
        lambda view: view.apply(a_page(ended(version=3))),
        lambda view: view.apply(a_page(a_row(2))),
        lambda view: view.apply(a_page(deleted=["task-1"])),
        lambda view: view.drop("task-1"),
        lambda view: view.apply(a_page(a_row(9, id="task-1"))),
    ],
    ids=["an answer", "a page", "a new feed without it", "deleted by others", "deleted here", "a new task"],
)
def test_task_view_the_end_of_a_task_is_told_however_it_comes(change, request):
    async def main():
        view = TaskView()
        view.put(running(version=1))
        waiting = asyncio.create_task(view.until_ended("task-1"))
        await everything_else()
        for other in (lambda: view.put(a_row(2)), lambda: view.put(running(version=2, progress=50.0))):
            other()
            await everything_else()
            assert not waiting.done()
        if "new feed" in request.node.name:
            view.apply(a_page(a_row(3), restarts=True, is_last=False))
            await everything_else()
            assert not waiting.done()
        change(view)
        await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


def test_task_view_a_service_that_stops_waits_for_no_task():
    page = FeedPage("x", 1, [running()], [], restarts=True, is_last=True, is_over=True)
    manager = SimpleNamespace(changes=SimpleNamespace(remote=AsyncMock(return_value=page)))

    async def main():
        view, is_ready = TaskView(), asyncio.Event()
        view.put(running())
        waiting = asyncio.create_task(view.until_ended("task-1"))
        await everything_else()
        waited_before = not waiting.done()
        await view.follow(manager, is_ready, lambda: None)
        await asyncio.wait_for(asyncio.gather(waiting, view.until_ended("task-1")), 5)
        return waited_before, view.copy.get("task-1").status

    assert asyncio.run(main()) == (True, TaskStatus.RUNNING)
