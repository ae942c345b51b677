"""The service with 10 and with 100,000 stored tasks: start-up, lists, status, memory.

`python -m benchmarks.many_tasks` takes one to two minutes for each.
"""

import http.client
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from actors.store.row import row_of
from actors.store.setup import prepare_store
from actors.store.store import EventRow, Store, database_url
from rfuav_ray.api.requests import DatasetSplitRequest, InferenceRequest, TrainingRequest
from rfuav_ray.tasks import TaskRecord, TaskStatus, now
from tests.support.service_process import ServiceProcess

COUNTS = (10, 100_000)
CALLS = 200
WRITTEN_TOGETHER = 5000
SPAN_DAYS = 20
PROCESSES = {
    "task manager": "ray::TaskManager",
    "API replica": "ray::ServeReplica",
    "metrics actor": "ray::MetricsActor",
}


def main() -> None:
    measured = [_measure(count) for count in COUNTS]
    table = Table("measurement", *(f"{count} tasks" for count in COUNTS))
    for figure in measured[0]:
        table.add_row(figure, *(figures[figure] for figures in measured))
    Console().print(table)


def _measure(count: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as name, ServiceProcess(Path(name) / "service", Path(name)) as service:
        _fill(database_url("", service.state_dir), count)
        figures = {"first healthy answer after start: s": f"{service.start():.1f}"}
        paths = {
            "list of 10": "tasks?limit=10",
            "list of 100": "tasks?limit=100",
            "list of 100 completed": "tasks?status=completed&limit=100",
            "list of 100 failed inferences": "tasks?status=failed&task_type=inference&limit=100",
            "last page": f"tasks?limit=10&offset={count - 10}",
            "status of the oldest": "tasks/task-1",
            "status of the newest": f"tasks/task-{count}",
        }
        for what, path in paths.items():
            milliseconds = _milliseconds(service.port, f"/api/v2/{path}")
            p99 = statistics.quantiles(milliseconds, n=100)[98]
            figures[f"{what}, median / p99: ms"] = f"{statistics.median(milliseconds):.1f} / {p99:.1f}"
        for what, title in PROCESSES.items():
            figures[f"{what}: MB"] = f"{service.find(title).memory_info().rss / 2**20:.0f}"
        figures["store: MB"] = f"{sum(f.stat().st_size for f in service.state_dir.iterdir()) / 2**20:.0f}"
        return figures


def _milliseconds(port: int, path: str) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for _ in range(CALLS):
        started_s = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status}")
        times.append(1000 * (time.perf_counter() - started_s))
    connection.close()
    return times


def _fill(url: str, count: int) -> None:
    """Store ended tasks, with the log entries that the service reads when it starts."""
    prepare_store(url)
    store = Store(url)
    tasks = _tasks(count)
    while some := list(islice(tasks, WRITTEN_TOGETHER)):
        logs = {task.id: _log(task) for task in some}
        events = [EventRow(id_, number, entry) for id_, log in logs.items() for number, entry in enumerate(log, 1)]
        store.commit([row_of(task, len(logs[task.id])) for task in some], events, [])
    store.close()


def _log(task: TaskRecord) -> list[str]:
    messages = [f'{{"message": "{text}", "level": "INFO"}}' for text in ("Task accepted.", "Starting on cpu.")]
    return [*messages, f'{{"message": "Ended.", "status": "{task.status.value}", "stage": "completed"}}']


def _tasks(count: int) -> Iterator[TaskRecord]:
    requests = [
        (
            "training",
            TrainingRequest(model="resnet18", num_classes=2, train_path="/d/t", val_path="/d/v", save_path="/r"),
        ),
        (
            "inference",
            InferenceRequest(cfg_path="/r/model.yaml", weight_path="/r/best_model.pth", source_path="/d"),
        ),
        (
            "inference",
            InferenceRequest(cfg_path="/r/model.yaml", weight_path="/r/best_model.pth", source_path="/e"),
        ),
        ("split", DatasetSplitRequest(input_path="/d", output_path="/s")),
    ]
    dumped = [(kind, request.model_dump(mode="json")) for kind, request in requests]
    statuses = [TaskStatus.COMPLETED] * 8 + [TaskStatus.FAILED, TaskStatus.CANCELLED]
    figures = dict.fromkeys(("train_loss", "train_acc", "val_loss", "val_acc", "mAP", "macro_f1"), 0.123456789)
    first = now() - timedelta(days=SPAN_DAYS)
    for number in range(1, count + 1):
        kind, request = dumped[number % len(dumped)]
        status = statuses[number % 7 + number % 4]
        moment = first + timedelta(days=SPAN_DAYS * number / count)
        yield TaskRecord.model_validate(
            {
                "id": f"task-{number}",
                "kind": kind,
                "request": request,
                "priority": 5,
                "number": number,
                "version": number,
                "wanted_device": "cpu",
                "device": "cpu",
                "attempt": 1,
                "status": status,
                "progress": 100.0,
                "latest_metrics": figures if kind == "training" else None,
                "result": {
                    "save_path": "/r",
                    "files": {f"file{n}": f"/r/file{n}" for n in range(8)},
                    "metrics": figures,
                },
                "created_at": moment,
                "updated_at": moment,
                "started_at": moment,
                "ended_at": moment,
            }
        )


if __name__ == "__main__":
    main()
