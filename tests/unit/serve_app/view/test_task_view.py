import json
import random

import pytest

from actors.tasks.feed import Change, FeedPage
from rfuav_ray.tasks import TaskStatus
from serve_app.view.task_view import TaskCopy, TaskView
from tests.support.sample_tasks import a_row


def a_page(*rows, deleted=(), restarts=False, is_last=True, is_over=False):
    changes = [Change(row.version, row.id, row, []) for row in rows]
    changes += [Change(99, task_id, None, []) for task_id in deleted]
    return FeedPage("x", 1, changes, restarts, 0, is_last, is_over)


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


def test_task_view_the_tasks_of_some_kinds_and_statuses():
    copy = TaskCopy()
    for number, kind in enumerate(("training", "split", "training"), 1):
        copy.put(a_row(number, kind=kind, status=TaskStatus.RUNNING))
    copy.put(a_row(4))
    assert [row.number for row in copy.rows({"training"}, {"running"})] == [1, 3]
    assert len(copy.rows(None, None)) == 4


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


def test_task_view_listeners_see_the_copy_with_the_changes():
    view, seen = TaskView(), []
    view.on_change.append(lambda changes: seen.append([(c.task_id, view.copy.row(c.task_id)) for c in changes]))
    row = a_row(1, version=2)
    view.put(row)
    view.apply(a_page(a_row(2), deleted=["task-1"]))
    assert seen == [[("task-1", row)], [("task-2", view.copy.row("task-2")), ("task-1", None)]]


def test_task_view_a_new_feed_is_shown_when_it_is_complete():
    view, renewed, seen = TaskView(), [], []
    view.on_new_copy.append(lambda: renewed.append(ids(view.copy)))
    view.on_change.append(seen.append)
    view.apply(a_page(a_row(1), restarts=True, is_last=False))
    assert not view.is_ready.is_set() and renewed == []
    view.apply(a_page(a_row(2)))
    assert view.is_ready.is_set() and renewed == [["task-2", "task-1"]] and seen == []


def test_task_view_tells_that_the_service_stops():
    view, ended = TaskView(), []
    view.on_end.append(lambda: ended.append(True))
    view.apply(a_page(a_row(1), restarts=True))
    assert ended == []
    view.apply(a_page(is_over=True))
    assert ended == [True]
