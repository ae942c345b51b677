import json
from datetime import timedelta

import pytest

from rfuav_ray.api.responses import task_response
from rfuav_ray.errors import TaskConflict
from rfuav_ray.tasks import TaskRecord, TaskStatus, advance
from tests.support.sample_tasks import a_task

P, R, DONE, FAILED, GONE = (
    TaskStatus.PENDING,
    TaskStatus.RUNNING,
    TaskStatus.COMPLETED,
    TaskStatus.FAILED,
    TaskStatus.CANCELLED,
)
STEPS = {(P, R), (P, GONE), (P, FAILED), (R, P), (R, DONE), (R, FAILED), (R, GONE)}


@pytest.mark.parametrize("before", list(TaskStatus))
@pytest.mark.parametrize("after", list(TaskStatus))
def test_tasks_only_the_steps_of_the_state_machine_are_possible(before, after):
    task = a_task(status=before)
    if (before, after) in STEPS:
        assert advance(task, after).status is after
    else:
        with pytest.raises(TaskConflict, match=f"is {before.value} and cannot become {after.value}"):
            advance(task, after)


def test_tasks_an_ended_task_is_one_that_no_step_leaves():
    assert {status for status in TaskStatus if status.is_ended} == {DONE, FAILED, GONE}


def test_tasks_a_step_makes_a_new_record_with_its_times_and_leaves_the_old_one():
    waiting = a_task()
    running = advance(waiting, R, device="cpu")
    ended = advance(running, DONE, progress=100.0)
    assert (waiting.status, waiting.device, waiting.started_at) == (P, None, None)
    assert running.started_at is not None and running.ended_at is None
    assert ended.ended_at is not None and ended.ended_at >= running.started_at and ended.progress == 100.0


def test_tasks_a_run_is_not_that_of_a_deleted_task_with_the_same_id():
    task = a_task()
    later = a_task(created_at=task.created_at + timedelta(microseconds=1))
    assert len({task.run_id, later.run_id, task.evolve(attempt=1).run_id}) == 3
    assert task.evolve(message="Running.").run_id == task.run_id


def test_tasks_a_record_survives_the_way_through_json():
    task = advance(a_task(latest_metrics={"mAP": 0.5}), R)
    assert TaskRecord.model_validate_json(task.model_dump_json()) == task


def test_tasks_figures_that_another_version_stored_stay_as_they_are():
    # Fields are missing, there are others, and one has another type.
    stored = json.loads(a_task().model_dump_json()) | {
        "latest_metrics": {"epoch": "1", "of_another_version": None},
        "result": {"save_path": "/r", "metrics": {"old": 1.5}, "stats": {"old": [1, {"deep": True}]}, "of": {}},
    }
    again = TaskRecord.model_validate_json(json.dumps(stored))
    assert json.loads(again.model_dump_json()) == stored
    answer = task_response(again).model_dump(mode="json")
    assert (answer["latest_metrics"], answer["result"]) == (stored["latest_metrics"], stored["result"])
