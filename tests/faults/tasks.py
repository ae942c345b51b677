"""What the API says of tasks, asked by a client that does not give up."""

import time
from collections.abc import Collection
from typing import Any

import httpx

POLL_S = 0.2
PAGE = 1000
WAIT_S = 300
ENDED = {"completed", "failed", "cancelled"}
LOST = {"status": "lost"}

#: one for all calls: making it costs more than a request
client = httpx.Client(timeout=30)


def ask(url: str, path: str, **parameters: Any) -> Any:
    """The answer, from a service that may be in the middle of something; None when it knows no such task."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            answer = client.get(f"{url}/api/v2/{path}", params=parameters)
            if answer.status_code == 200:
                return answer.json()
            # Before its routes are there, Serve answers 404 for all of them, as text.
            if answer.status_code == 404 and answer.headers["content-type"] == "application/json":
                return None
            reason = f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            reason = repr(error)
        assert time.monotonic() < deadline, f"{path}: {reason}"
        time.sleep(POLL_S)


def list_all(url: str, **filters: str) -> dict[str, dict[str, Any]]:
    """Every task in the list, page by page, by its id."""
    found: dict[str, dict[str, Any]] = {}
    while True:
        page = ask(url, "tasks", limit=PAGE, offset=len(found), **filters)
        tasks = [task for kind in ("training", "inference", "preprocessing") for task in page[f"{kind}_tasks"]]
        found |= {task["task_id"]: task for task in tasks}
        if len(tasks) < PAGE:
            return found


def wait_until_at_work(url: str, count: int) -> list[str]:
    """Until so many running tasks are seen moving on; these."""
    deadline = time.monotonic() + WAIT_S
    first: dict[str, float] = {}
    while True:
        running = list_all(url, status="running")
        moved = [
            task_id
            for task_id, task in running.items()
            if task["progress"] != first.setdefault(task_id, task["progress"])
        ]
        if len(moved) >= count:
            return moved
        assert time.monotonic() < deadline, f"only {moved} of {running} are at work"
        time.sleep(POLL_S)


def wait_for_ends(url: str, task_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    deadline = time.monotonic() + WAIT_S
    while True:
        tasks = {task_id: ask(url, f"tasks/{task_id}") or LOST for task_id in task_ids}
        living = {task_id: task for task_id, task in tasks.items() if task["status"] in {"pending", "running"}}
        if not living:
            return tasks
        assert time.monotonic() < deadline, f"these do not end: {living}"
        time.sleep(1)
