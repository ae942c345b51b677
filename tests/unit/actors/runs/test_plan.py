"""What a run's outcome makes of its task: another run, or its end."""

import pytest

from actors.runs.plan import ending, retry
from actors.runs.spec import Outcome
from rfuav_ray.tasks import TaskStatus
from tests.support.sample_results import EPOCH_METRICS, INFERENCE_RESULT, TRAINING_RESULT
from tests.support.sample_tasks import a_task

RUNNING = {"status": TaskStatus.RUNNING, "latest_metrics": {"epoch": 7}, "current_epoch": 7}


def test_plan_a_completed_training_has_the_figures_of_its_last_epoch_though_their_report_was_lost():
    metrics = EPOCH_METRICS | {"epoch": 8}
    outcome = Outcome("completed", result=TRAINING_RESULT | {"metrics": metrics, "epochs": 8})
    status, changes = ending(a_task(**RUNNING), outcome)
    assert status is TaskStatus.COMPLETED and changes["progress"] == 100.0
    assert (changes["latest_metrics"], changes["current_epoch"]) == (metrics, 8)


def test_plan_what_is_no_training_has_no_figures_of_epochs():
    _, changes = ending(
        a_task(kind="inference", status=TaskStatus.RUNNING), Outcome("completed", result=INFERENCE_RESULT)
    )
    assert "latest_metrics" not in changes and changes["result"] == INFERENCE_RESULT


@pytest.mark.parametrize(
    ("outcome", "cancel_requested", "status"),
    [
        (Outcome("cancelled"), False, TaskStatus.CANCELLED),
        (Outcome("failed", error="disk full"), False, TaskStatus.FAILED),
        (Outcome("lost", error="the node left"), False, TaskStatus.FAILED),
        (Outcome("lost", error="it was killed"), True, TaskStatus.CANCELLED),
        (Outcome("completed", result=INFERENCE_RESULT), True, TaskStatus.COMPLETED),
    ],
)
def test_plan_how_a_task_ends(outcome, cancel_requested, status):
    ended, changes = ending(a_task(status=TaskStatus.RUNNING, cancel_requested=cancel_requested), outcome)
    assert ended is status
    assert (outcome.error or "") in changes["message"] or status is TaskStatus.CANCELLED


@pytest.mark.parametrize(
    ("outcome", "fields", "message", "losses"),
    [
        (Outcome("lost", error="It died."), {"losses": 1}, "It died. Queued again: retry 2 of 2.", 2),
        (Outcome("interrupted", error="The end."), {"losses": 2}, "The end. Queued again.", 2),
    ],
)
def test_plan_a_run_that_ended_early_is_tried_again(outcome, fields, message, losses):
    again = retry(a_task(status=TaskStatus.RUNNING, **fields), outcome, 2)
    assert again is not None
    assert (again[0], again[1]["losses"]) == (message, losses)


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        ("completed", {}),
        ("failed", {}),
        ("cancelled", {}),
        ("lost", {"losses": 2}),
        ("lost", {"cancel_requested": True}),
        ("interrupted", {"cancel_requested": True}),
    ],
)
def test_plan_what_ends_a_task_is_not_tried_again(status, fields):
    assert retry(a_task(status=TaskStatus.RUNNING, **fields), Outcome(status), 2) is None
