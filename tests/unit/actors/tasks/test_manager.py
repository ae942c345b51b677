"""What the TaskManager answers to submissions that come in one call, over a real store and no Ray."""

import pytest

from actors.events.gauges import QueueGauges
from actors.store.row import record_of
from rfuav_ray.errors import InvalidInput, ServiceBusy, TaskConflict, TaskNotFound
from rfuav_ray.tasks import TaskStatus
from tests.support.sample_tasks import a_task
from tests.support.waiting import until

#: nothing starts, and the queue is full soon
NO_SLOTS = {
    "max_training_concurrent_cpu": 0,
    "max_inference_concurrent_cpu": 0,
    "max_preprocessing_concurrent": 0,
    "task_queue_size": 4,
}
REASON = "Waiting: the limit for training is 0 on cpu."


async def submit(manager, *submissions):
    """An answer for each: the ids of the tasks, or the kind of the error."""
    texts = [[task.model_dump_json() for task in tasks] for tasks in submissions]
    answers = await manager.submit_batch(texts)
    return [type(answer) if isinstance(answer, Exception) else [row.id for row in answer] for answer in answers]


async def status(manager, task_id):
    try:
        return record_of(await manager.get(task_id)).status
    except TaskNotFound:
        return None


def test_manager_each_is_accepted_or_refused_by_itself(play):
    async def scenario(manager, logs):
        answers = await submit(
            manager,
            [a_task(1)],
            [a_task(2, wanted_device="cuda:3"), a_task(3)],
            [a_task(1)],
            [a_task(4), a_task(4)],
            [a_task(5), a_task(6)],
        )
        assert answers == [["task-1"], InvalidInput, TaskConflict, TaskConflict, ["task-5", "task-6"]]
        waiting = [number for number in range(1, 7) if await status(manager, f"task-{number}")]
        assert waiting == [1, 5, 6]
        assert record_of(await manager.get("task-1")).message == REASON
        assert logs.messages("task-5") == [f"Task accepted: training, priority 5. {REASON}"]

    play(scenario, **NO_SLOTS)


def test_manager_those_of_the_same_call_fill_the_queue(play):
    async def scenario(manager, logs):
        answers = await submit(
            manager, [a_task(1), a_task(2), a_task(3)], [a_task(4), a_task(5)], [a_task(6)], [a_task(7)]
        )
        assert answers == [["task-1", "task-2", "task-3"], ServiceBusy, ["task-6"], ServiceBusy]
        assert await submit(manager, [a_task(8)]) == [ServiceBusy]

    play(scenario, **NO_SLOTS)


@pytest.mark.parametrize("error", [ServiceBusy("The disk is full.", 5), ZeroDivisionError("a bug")])
def test_manager_where_nothing_can_be_stored_the_refused_keep_their_reason_and_the_ids_are_free_again(
    play, commits, error
):
    def refuse(*_):
        raise error

    async def scenario(manager, logs):
        commits.before = refuse
        answers = await submit(
            manager, [a_task(1)], [a_task(2, wanted_device="cuda")], [a_task(3, wanted_device="cuda:1")]
        )
        assert answers == [type(error), type(error), InvalidInput]
        commits.before = lambda *_: None
        # Nothing holds a place in the queue, or an id.
        assert await submit(manager, [a_task(number) for number in range(1, 5)]) == [
            ["task-1", "task-2", "task-3", "task-4"]
        ]

    play(scenario, **NO_SLOTS)


def test_manager_a_restarted_manager_has_the_waiting_tasks(play):
    async def submits(manager, logs):
        await submit(manager, [a_task(1), a_task(2)])

    async def knows(manager, logs):
        assert [await status(manager, f"task-{number}") for number in (1, 2)] == [TaskStatus.PENDING] * 2
        assert await submit(manager, [a_task(3), a_task(4), a_task(5)], [a_task(1)]) == [ServiceBusy, TaskConflict]

    play(submits, **NO_SLOTS)
    play(knows, **NO_SLOTS)


def test_manager_gauges_are_published_on_after_an_error(play, monkeypatch):
    monkeypatch.setattr("actors.events.gauges.PUBLISH_EVERY_S", 0)
    published, bugs = [], [ZeroDivisionError("a bug")]

    def fail_at_first(gauges, slots):
        if bugs:
            raise bugs.pop()
        published.append(slots.devices)

    monkeypatch.setattr(QueueGauges, "publish", fail_at_first)

    async def scenario(manager, logs):
        await until(lambda: len(published) > 2)
        assert published[0] == ["cpu"]

    play(scenario)
