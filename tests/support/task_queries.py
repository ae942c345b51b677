"""What the API says of tasks, asked by a client that does not give up."""

import json
import time
from collections.abc import Collection, Iterator
from typing import Any

import httpx2

from rfuav_ray.client import RFUAVClient, ServiceError
from tests.support.service_process import ServiceProcess

PAGE = 1000
WAIT_S = 600
LOST = {"status": "lost"}

#: one for all calls: making it costs more than a request
client = httpx2.Client(timeout=30)


def ask(service: ServiceProcess, path: str, **parameters: Any) -> Any:
    """The answer, from a service that may be in the middle of something; None when it knows no such task."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            answer = client.get(f"{service.url}/api/v2/{path}", params=parameters)
            if answer.status_code == 200:
                return answer.json()
            # Before its routes are there, Serve answers 404 for all of them, as text.
            if answer.status_code == 404 and answer.headers["content-type"] == "application/json":
                return None
            reason = f"{answer.status_code} {answer.text[:200]}"
        except httpx2.HTTPError as error:
            reason = repr(error)
        assert time.monotonic() < deadline, f"{path}: {reason}"
        service.wait_until_healthy()


def list_all(service: ServiceProcess, **filters: str) -> dict[str, dict[str, Any]]:
    """Every task in the list, page by page, by its id."""
    found: dict[str, dict[str, Any]] = {}
    while True:
        page = ask(service, "tasks", limit=PAGE, offset=len(found), **filters)
        tasks = [task for kind in ("training", "inference", "preprocessing") for task in page[f"{kind}_tasks"]]
        found |= {task["task_id"]: task for task in tasks}
        if len(tasks) < PAGE:
            return found


def wait_until_at_work(service: ServiceProcess, count: int) -> list[str]:
    """Until so many running tasks are seen moving on; these."""
    first: dict[str, float] = {}
    moved: dict[str, None] = {}
    for tasks in _states(service):
        for task in tasks:
            task_id = task["task_id"]
            if task["status"] != "running":
                moved.pop(task_id, None)
            elif task["progress"] != first.setdefault(task_id, task["progress"]):
                moved[task_id] = None
        if len(moved) >= count:
            break
    return list(moved)


def _states(service: ServiceProcess) -> Iterator[list[dict[str, Any]]]:
    """Tasks as they are and as they change, from a service that may be in the middle of something."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            with client.stream("GET", f"{service.url}/api/v2/events") as answer:
                # A refusal has no such lines. There is one at least every 15 s: a comment, without tasks.
                for line in answer.iter_lines():
                    assert time.monotonic() < deadline, "the tasks are not at work"
                    yield json.loads(line.removeprefix("data: "))["tasks"] if line.startswith("data: ") else []
        except httpx2.HTTPError:
            pass
        assert time.monotonic() < deadline, "the stream of tasks does not come back"
        service.wait_until_healthy()


def wait_for_ends(service: ServiceProcess, task_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    with RFUAVClient(service.url) as rfuav_client:
        return {task_id: _ended(rfuav_client, task_id) for task_id in task_ids}


def _ended(rfuav_client: RFUAVClient, task_id: str) -> dict[str, Any]:
    try:
        return rfuav_client.wait(task_id, timeout=WAIT_S)
    except ServiceError as error:
        if error.status_code == 404:
            return LOST
        raise
