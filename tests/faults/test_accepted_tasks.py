"""16 clients create tasks, everything is killed, and every task that was answered is there after the restart."""

import http.client
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.extent import IS_SHORT, ROUNDS, SEED
from tests.support.service_process import ServiceProcess
from tests.support.task_queries import ask, list_all
from tests.support.workload import World

CLIENTS, CREATES_PER_S = 16, 500
EARLIEST_KILL_S, LATEST_KILL_S = 1.0, 4.0 if IS_SHORT else 6.0
MOST_ROUNDS = 10


class Creator(threading.Thread):
    """Creates tasks at its share of the rate, or as fast as it is answered, until the service dies."""

    def __init__(self, name: str, port: int, body: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.sent: list[str] = []
        self.accepted: list[str] = []
        self._prefix = name
        self._body = body
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def run(self) -> None:
        started_s = time.monotonic()
        try:
            while True:
                due_s = started_s + len(self.sent) * CLIENTS / CREATES_PER_S
                time.sleep(max(0.0, due_s - time.monotonic()))
                self.sent.append(f"{self._prefix}-{len(self.sent)}")
                content = json.dumps(self._body | {"task_id": self.sent[-1]})
                self._connection.request(
                    "POST", "/api/v2/inference/start", content, {"Content-Type": "application/json"}
                )
                answer = self._connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.accepted.append(self.sent[-1])
        except (OSError, http.client.HTTPException):
            self._connection.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(1, min(ROUNDS or 1, MOST_ROUNDS) + 1))
def test_service_stores_every_accepted_task(number: int, world: World) -> None:
    numbers = random.Random(f"{SEED} {number}")
    body = world.inference_request("few", world.root / "never")
    folder = world.root / f"accepted-{number}"
    with ServiceProcess(folder, world.root, max_inference_concurrent_cpu=0, task_queue_size=1_000_000) as service:
        service.start()
        creators = [Creator(f"client-{one}", service.port, body) for one in range(CLIENTS)]
        for creator in creators:
            creator.start()
        run_s = numbers.uniform(EARLIEST_KILL_S, LATEST_KILL_S)
        time.sleep(run_s)
        service.kill()
        for creator in creators:
            creator.join(60)
        service.start()
        sent, accepted = (
            {task_id for creator in creators for task_id in getattr(creator, what)}
            for what in ("sent", "accepted")
        )
        stored = set(list_all(service))
        print(
            f"\nround {number}, FAULT_SEED={SEED}: killed after {run_s:.1f} s and {len(accepted)} tasks "
            f"({len(accepted) / run_s:.0f}/s); {len(accepted - stored)} of them lost, "
            f"{len(stored - accepted)} stored that nobody heard of"
        )
        assert len(accepted) > CLIENTS
        assert accepted <= stored <= sent
        with ThreadPoolExecutor(CLIENTS) as threads:
            tasks = list(threads.map(lambda task_id: ask(service, f"tasks/{task_id}"), sorted(stored)))
        assert {task["task_id"] for task in tasks} == stored
        assert {task["status"] for task in tasks} == {"pending"}
        assert sorted(task["queue_position"] for task in tasks) == list(range(1, len(stored) + 1))
