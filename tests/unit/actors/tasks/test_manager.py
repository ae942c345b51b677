"""What the TaskManager answers to submissions that come in one call, over a real store and no Ray."""

import asyncio
import json

import pytest

from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks import manager as task_manager
from actors.tasks.manager import TaskManager
from rfuav_ray.errors import InvalidInput, ServiceBusy, TaskConflict, TaskNotFound
from rfuav_ray.settings import Settings
from tests.support.sample_tasks import a_task


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """One that has started; its only device is the CPU, whose limits are 0."""
    monkeypatch.setattr(task_manager, "write_to_log_file", lambda settings, rotates: None)
    settings = Settings(data_roots=[tmp_path], state_dir=tmp_path / "state", task_queue_size=4)
    prepare_store(database_url("", settings.state_dir))
    manager = TaskManager(settings, None, None)
    manager._dispatcher.slots.add("cpu", {"training": 0, "inference": 0, "preprocessing": 0}, is_open=True)

    async def has_started():
        pass

    monkeypatch.setattr(manager, "start", has_started)
    yield manager
    manager._table._store.close()


def submit(manager, *submissions):
    """An answer for each: the ids of the tasks, or the kind of the error."""

    async def main():
        texts = [[task.model_dump_json() for task in tasks] for tasks in submissions]
        answers = await manager.submit_batch(texts)
        return [
            type(answer) if isinstance(answer, Exception) else [row.id for row in answer] for answer in answers
        ]

    return asyncio.run(main())


def is_there(manager, task_id):
    try:
        manager._table.get(task_id)
    except TaskNotFound:
        return False
    return True


def test_each_is_accepted_or_refused_by_itself(manager):
    answers = submit(
        manager,
        [a_task(1)],
        [a_task(2, wanted_device="cuda:3"), a_task(3)],
        [a_task(1)],
        [a_task(4), a_task(4)],
        [a_task(5), a_task(6)],
    )
    assert answers == [["task-1"], InvalidInput, TaskConflict, TaskConflict, ["task-5", "task-6"]]
    assert [task.id for task in manager._dispatcher.queue] == ["task-1", "task-5", "task-6"]
    assert not is_there(manager, "task-3") and not is_there(manager, "task-4")
    assert manager._table.get("task-1").message == "Waiting: the limit for training is 0 on cpu."
    ((number, entry),) = manager._table._store.read_events("task-5", 0, 9)
    expected = "Task accepted: training, priority 5. Waiting: the limit for training is 0 on cpu."
    assert (number, json.loads(entry)["message"]) == (1, expected)


def test_those_of_the_same_call_fill_the_queue(manager):
    answers = submit(manager, [a_task(1), a_task(2), a_task(3)], [a_task(4), a_task(5)], [a_task(6)], [a_task(7)])
    assert answers == [["task-1", "task-2", "task-3"], ServiceBusy, ["task-6"], ServiceBusy]
    assert submit(manager, [a_task(8)]) == [ServiceBusy]


@pytest.mark.parametrize("error", [ServiceBusy("The disk is full.", 5), ZeroDivisionError("a bug")])
def test_where_nothing_can_be_stored_the_refused_keep_their_reason_and_the_ids_are_free_again(
    manager, monkeypatch, error
):
    def refuse(changes):
        raise error

    with monkeypatch.context() as change:
        change.setattr(manager._table._commit, "_save", refuse)
        answers = submit(
            manager, [a_task(1)], [a_task(2, wanted_device="cuda")], [a_task(3, wanted_device="cuda:1")]
        )
    assert answers == [type(error), type(error), InvalidInput]
    assert manager._table.arriving == 0 and len(manager._dispatcher.queue) == 0
    assert submit(manager, [a_task(1)]) == [["task-1"]]
