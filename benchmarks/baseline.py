"""The baseline for the API: plain FastAPI in one process. It keeps tasks in a dict and does not access the disk.

`python -m benchmarks.baseline --port 8001` serves the two routes. `running` serves them for the time of a block.
"""

import argparse
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx2
import uvicorn
from fastapi import FastAPI, HTTPException

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.api.responses import TaskResponse
from rfuav_ray.machine.ports import free_port
from rfuav_ray.tasks import TaskStatus

START_WITHIN_S = 60

app = FastAPI()
tasks: dict[str, TaskResponse] = {}


@app.post("/api/v2/training/start")
async def start_training(request: TrainingRequest) -> TaskResponse:
    moment = datetime.now(UTC)
    task = TaskResponse(
        task_id=request.task_id or str(uuid.uuid4()),
        task_type="training",
        status=TaskStatus.PENDING,
        message="Waiting in the queue.",
        progress=0,
        device=request.device,
        priority=request.priority,
        current_epoch=0,
        total_epochs=request.num_epochs,
        latest_metrics=None,
        created_at=moment,
        updated_at=moment,
        description=request.description,
        queue_position=None,
        eta_seconds=None,
        error=None,
        result=None,
        warnings=0,
        workers=[],
    )
    tasks[task.task_id] = task
    return task


@app.get("/api/v2/tasks/{task_id}")
async def task_status(task_id: str) -> TaskResponse:
    if task_id not in tasks:
        raise HTTPException(404)
    return tasks[task_id]


@contextmanager
def running() -> Iterator[str]:
    """Run the baseline in its own process, and yield its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.baseline", "--port", str(port)])
    try:
        deadline_s = time.monotonic() + START_WITHIN_S
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError("the plain FastAPI service did not start")
            time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/openapi.json", trust_env=False).is_success
    except httpx2.TransportError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    # No access log, because it would slow the baseline down.
    uvicorn.run(app, port=parser.parse_args().port, log_level="warning")


if __name__ == "__main__":
    main()
