"""Read the status of one of two running trainings, alternating with plain FastAPI under the same load."""

import time

from benchmarks import baseline
from benchmarks.api import figures, in_turns
from benchmarks.figures import Figure, run_alone
from benchmarks.service import TASK_WITHIN_S, http, running_service, training

TRAININGS = ("first", "second")
#: more epochs than the trainings can finish during the measurement
ENDLESS = {"images": 400, "side": 256, "batch_size": 16, "num_epochs": 100_000}


def measure(runs: int = 5, seconds: int = 5) -> list[Figure]:
    with running_service() as (service, folder), baseline.running() as plain_url:
        for task_id in TRAININGS:
            request = training(folder, task_id=task_id, name=task_id, **ENDLESS)
            http.post(f"{service.url}/api/v2/training/start", json=request).raise_for_status()
        http.post(f"{plain_url}/api/v2/training/start", json=request).raise_for_status()
        _wait_until_they_learn(service.url)
        urls = [f"{url}/api/v2/tasks/{task_id}" for url in (service.url, plain_url)]
        ours, plain = in_turns(urls, runs, seconds)
        _wait_until_they_learn(service.url)
    return figures("read a status, two trainings run", ours, plain, p99_at_most_ms=50)


def _wait_until_they_learn(url: str) -> None:
    deadline_s = time.monotonic() + TASK_WITHIN_S
    for task_id in TRAININGS:
        progress = 0.0
        while not progress:
            task = http.get(f"{url}/api/v2/tasks/{task_id}").json()
            if task["status"] not in {"pending", "running"} or time.monotonic() > deadline_s:
                raise RuntimeError(f"the training does not run: {task}")
            progress = task["current_epoch"]
            time.sleep(0.2)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=5, seconds=5)
