"""Following tasks of the service until they end or the user presses ctrl-C, and printing their results."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from rfuav_ray.cli.follow import LogView, follow_task
from rfuav_ray.cli.printing import (
    print_inference,
    print_predictions,
    print_preprocessing,
    print_recordings,
    print_training,
    print_warnings,
)
from rfuav_ray.cli.printing_evaluation import print_audit, print_evaluation
from rfuav_ray.client import RFUAVClient
from rfuav_ray.client.clients import REPLICA_LAG_S, REPLICA_POLL_S

STOPPED_BY_CTRL_C = 130
ROWS_SHOWN = 10
RECORDINGS_SHOWN = 20
#: the maximum that the service returns in one answer
ENTRIES_SHOWN = 100_000


def follow_tasks(client: RFUAVClient, kind: str, task_ids: Sequence[str], console: Console) -> int:
    """Follow tasks of a kind one after the other, show their results, and return the exit status.

    Nothing is lost: the stream of each task starts with its first log entry.
    """
    show = _SHOW.get(kind, _show_preprocessing)

    def follow() -> int:
        status = 0
        for task_id in task_ids:
            task = _end_of(client, task_id, console)
            if task["status"] == "completed":
                show(client, task, console)
            print_warnings(console, task["warnings"])  # below the result
            status = max(status, int(task["status"] != "completed"))
        return status

    return _interruptible(follow, task_ids)


def _show_training(_client: RFUAVClient, task: dict[str, Any], console: Console) -> None:
    print_training(console, task["latest_metrics"] or {}, task["result"] or {})


def _show_inference(client: RFUAVClient, task: dict[str, Any], console: Console) -> None:
    task_id, result = task["task_id"], task["result"] or {}
    if "recordings" in result:
        found = client.get_inference_recordings(task_id, limit=RECORDINGS_SHOWN)
        print_recordings(console, found["recordings"], total=found["total"])
    if "recordings" not in result or result["images"]:
        page = client.get_inference_results(task_id, limit=ROWS_SHOWN)
        print_predictions(console, page["predictions"], total=page["total"])
    print_inference(console, result)


def _show_evaluation(_client: RFUAVClient, task: dict[str, Any], console: Console) -> None:
    if task["result"]:
        print_evaluation(console, task["result"])


def _show_audit(_client: RFUAVClient, task: dict[str, Any], console: Console) -> None:
    if task["result"]:
        print_audit(console, task["result"])


def _show_preprocessing(client: RFUAVClient, task: dict[str, Any], console: Console) -> None:
    print_preprocessing(console, _with_stats(client, task["task_id"]))


#: by kind of task; the others are preprocessing
_SHOW: dict[str, Callable[[RFUAVClient, dict[str, Any], Console], None]] = {
    "training": _show_training,
    "inference": _show_inference,
    "evaluation": _show_evaluation,
    "audit": _show_audit,
}


def print_logs(client: RFUAVClient, task_id: str, console: Console, *, follow: bool) -> int:
    view = LogView(console)

    def show() -> int:
        for entry in client.stream_logs(task_id) if follow else client.get_logs(task_id, limit=ENTRIES_SHOWN):
            view.log(entry)
        if follow:  # without it the output is the log alone, for other programs
            print_warnings(console, view.warnings)
        return 0

    return _interruptible(show, [task_id])


def _end_of(client: RFUAVClient, task_id: str, console: Console) -> dict[str, Any]:
    console.print(f"Task {task_id}", soft_wrap=True)
    task = follow_task(client, task_id, console)
    if task["status"] != "completed":
        reason = task["error"] or task["message"]
        print(f"Error: task {task_id} {task['status']}: {reason}", file=sys.stderr)
    return task


def _with_stats(client: RFUAVClient, task_id: str) -> dict[str, Any]:
    """Get a completed preprocessing task. Waits for its stats, because other API replicas may lag behind."""
    deadline = time.monotonic() + REPLICA_LAG_S
    answer = client.get_preprocessing(task_id)
    while answer["stats"] is None and time.monotonic() < deadline:
        time.sleep(REPLICA_POLL_S)
        answer = client.get_preprocessing(task_id)
    return answer


def _interruptible(work: Callable[[], int], task_ids: Sequence[str]) -> int:
    try:
        return work()
    except KeyboardInterrupt:
        print(
            f"\nStopped following; the work continues.\n"
            f"Follow it: rfuav logs -f {task_ids[0]}\nCancel it: rfuav cancel {' '.join(task_ids)}",
            file=sys.stderr,
        )
        return STOPPED_BY_CTRL_C
