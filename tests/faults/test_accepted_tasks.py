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

CLIENTS = 16
#: the service is killed when so many tasks were accepted
FEWEST_ACCEPTED, MOST_ACCEPTED = 500, 2000 if IS_SHORT else 3000
MOST_ROUNDS = 10


class Creator(threading.Thread):
    """Creates tasks as fast as it is answered, until the service dies."""

    def __init__(self, name: str, port: int, body: dict[str, Any], one_accepted: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self.sent: list[str] = []
        self.accepted: list[str] = []
        self._prefix = name
        self._body = body
        self._one_accepted = one_accepted
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def run(self) -> None:
        try:
            while True:
                self.sent.append(f"{self._prefix}-{len(self.sent)}")
                content = json.dumps(self._body | {"task_id": self.sent[-1]})
                self._connection.request(
                    "POST", "/api/v2/inference/start", content, {"Content-Type": "application/json"}
                )
                answer = self._connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.accepted.append(self.sent[-1])
                    self._one_accepted.release()
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
        one_accepted = threading.Semaphore(0)
        creators = [Creator(f"client-{one}", service.port, body, one_accepted) for one in range(CLIENTS)]
        started_s = time.monotonic()
        for creator in creators:
            creator.start()
        for _ in range(numbers.randint(FEWEST_ACCEPTED, MOST_ACCEPTED)):
            one_accepted.acquire()
        service.kill()
        run_s = time.monotonic() - started_s
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
