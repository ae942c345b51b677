"""Deleting ended tasks of a service through its API."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from rfuav_ray.cli.printing import moment, newest_first
from rfuav_ray.client import RFUAVClient, ServiceError
from rfuav_ray.tasks import now

PAGE = 1000
#: concurrent deletions; the service stores them in one batch
CONCURRENT_DELETIONS = 16


def old_tasks(client: RFUAVClient, statuses: Iterable[str], older_than_days: float) -> list[str]:
    """Return the ids of tasks with one of these statuses that ended more than so many days ago."""
    before = now() - timedelta(days=older_than_days)
    found = []
    for status in statuses:
        offset = 0
        while page := newest_first(client.get_all_tasks(status=status, limit=PAGE, offset=offset)):
            found += [task["task_id"] for task in page if moment(task["updated_at"]) < before]
            offset += len(page)
    return found


def forget(client: RFUAVClient, task_ids: Sequence[str]) -> None:
    """Delete the tasks. Ignores tasks that are already deleted. Raises the errors of the client."""
    with ThreadPoolExecutor(CONCURRENT_DELETIONS) as threads:
        list(threads.map(lambda task_id: _delete_one(client, task_id), task_ids))


def _delete_one(client: RFUAVClient, task_id: str) -> None:
    try:
        client.delete_task(task_id)
    except ServiceError as error:
        if error.status_code != 404:
            raise
