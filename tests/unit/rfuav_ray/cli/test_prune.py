from datetime import timedelta

from rfuav_ray.tasks import now
from tests.support.fake_service import refuse, task

EMPTY = {"training_tasks": [], "inference_tasks": [], "preprocessing_tasks": []}


def ended(task_id, days_ago):
    return task(task_id, status="completed", updated_at=(now() - timedelta(days=days_ago)).isoformat())


def pages(*tasks):
    """A list in two pages, and its end."""
    return {**EMPTY, "training_tasks": [tasks[0]]}, {**EMPTY, "inference_tasks": list(tasks[1:])}, EMPTY


def deleted(service):
    return sorted(route.rsplit("/")[-1] for route in service.routes() if route.startswith("DELETE"))


def test_prune_old_ended_tasks_are_forgotten(service, rfuav):
    service.on("GET /api/v2/tasks", *pages(ended("new", 1), ended("old", 31), ended("older", 400)))
    for name in ("old", "older"):
        service.on(f"DELETE /api/v2/tasks/{name}", {"status": "success", "message": "", "task_id": name})
    status, out, _ = rfuav("tasks", "prune", "--status", "completed")
    assert status == 0 and deleted(service) == ["old", "older"]
    assert out == "2 tasks that ended more than 30 days ago deleted; their files stay.\n"
    assert next(r.query for r in service.requests if r.query) == "status=completed&limit=1000&offset=0"


def test_prune_every_ended_status_is_looked_at(service, rfuav):
    service.on("GET /api/v2/tasks", EMPTY)
    assert rfuav("tasks", "prune")[1].startswith("0 tasks")
    assert [r.query.partition("&")[0] for r in service.requests] == [
        "status=completed",
        "status=failed",
        "status=cancelled",
    ]


def test_prune_a_dry_run_deletes_nothing(service, rfuav):
    service.on("GET /api/v2/tasks", *pages(ended("a", 2), ended("b", 3)))
    status, out, _ = rfuav("tasks", "prune", "--older-than-days", "1", "--status", "completed", "--dry-run")
    assert status == 0 and deleted(service) == []
    assert out == "2 tasks that ended more than 1 days ago would be deleted.\n"


def test_prune_a_task_that_somebody_else_deleted_is_passed_over_and_other_errors_are_told(service, rfuav):
    service.on("GET /api/v2/tasks", *pages(ended("gone", 50), ended("stuck", 50)))
    service.on("DELETE /api/v2/tasks/gone", refuse(404, "There is no task 'gone'."))
    service.on("DELETE /api/v2/tasks/stuck", refuse(503, "The task store cannot be written."))
    status, _, err = rfuav("tasks", "prune", "--status", "completed")
    assert status == 1 and "cannot be written" in err


def test_prune_a_status_that_is_no_end_is_refused(service, rfuav):
    status, _, err = rfuav("tasks", "prune", "--status", "running")
    assert status == 2 and "completed, failed, cancelled" in err
    assert service.requests == []
