from actors.task_feed import FeedPage
from rfuav_ray.tasks import TaskRecord, TaskStatus, now
from serve_app.task_view import TaskView


def a_task(number, *, version=1, status=TaskStatus.PENDING, priority=5):
    return TaskRecord(
        id=f"task-{number}",
        kind="training",
        request={},
        priority=priority,
        number=number,
        version=version,
        status=status,
        wanted_device="cpu",
        created_at=now(),
        updated_at=now(),
    )


def ids(view):
    return [task.id for task in view.newest_first()]


def test_newest_first_whatever_the_order_of_arrival():
    view = TaskView()
    for number in (2, 3, 1):
        view.put(a_task(number))
    assert ids(view) == ["task-3", "task-2", "task-1"]


def test_an_older_state_never_replaces_a_newer_one():
    view = TaskView()
    view.put(a_task(1, version=5, status=TaskStatus.RUNNING))
    view.put(a_task(1, version=4))
    assert view.get("task-1").status is TaskStatus.RUNNING


def test_the_queue_position_counts_those_that_start_earlier():
    view = TaskView()
    tasks = [a_task(1), a_task(2), a_task(3, priority=1)]
    for task in tasks:
        view.put(task)
    assert [view.queue_position(task) for task in tasks] == [2, 3, 1]
    view.put(a_task(3, priority=1, version=2, status=TaskStatus.RUNNING))
    view.put(a_task(2, priority=1, version=3))
    assert view.queue_position(view.get("task-1")) == 2
    assert view.queue_position(view.get("task-2")) == 1
    assert view.queue_position(view.get("task-3")) is None


def test_a_deleted_task_is_gone_and_deleting_twice_is_harmless():
    view = TaskView()
    view.put(a_task(1, status=TaskStatus.FAILED))
    view.put(a_task(2))
    view.drop("task-1")
    view.drop("task-1")
    assert view.get("task-1") is None and ids(view) == ["task-2"]


def test_a_new_feed_replaces_the_copy():
    view = TaskView()
    view.put(a_task(1, version=9))
    view.apply(FeedPage("new", 1, [a_task(2, version=1)], []), is_new_feed=True)
    assert ids(view) == ["task-2"]
    assert view.queue_position(view.get("task-2")) == 1


def test_a_page_changes_and_deletes():
    view = TaskView()
    view.put(a_task(1))
    view.put(a_task(2))
    page = FeedPage("x", 3, [a_task(2, version=2, status=TaskStatus.RUNNING)], ["task-1"])
    view.apply(page, is_new_feed=False)
    assert ids(view) == ["task-2"] and view.get("task-2").status is TaskStatus.RUNNING
