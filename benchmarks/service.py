"""The API with 16 connections: reading a status, creating tasks; and how long the service takes to start.

The load comes from threads of this process, on the same cores as the service.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

CONNECTIONS = 16
READS_EACH = 100
CREATES_EACH = 20
RUNS = 3


def measure() -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as name, _service(Path(name)) as (port, start_s):
        _call(port, "POST", "/api/v2/resources/config", {"max_concurrent": {"cpu": {"training": 0}}})
        body = _training(Path(name))
        task_id = _call(port, "POST", "/api/v2/training/start", body)["task_id"]
        reads, creates = [], []
        for _ in range(RUNS):
            reads.append(_rate(port, READS_EACH, "GET", f"/api/v2/tasks/{task_id}", None))
            creates.append(_rate(port, CREATES_EACH, "POST", "/api/v2/training/start", body))
    return {
        "first healthy answer after start: s": [start_s],
        f"read a task's status, {CONNECTIONS} connections: requests/s": reads,
        f"create tasks, {CONNECTIONS} connections: requests/s": creates,
    }


def _rate(port: int, calls_each: int, verb: str, path: str, body: dict[str, object] | None) -> float:
    def client(_number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(calls_each):
            _ask(connection, verb, path, body)
        connection.close()

    started_s = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(client, range(CONNECTIONS)))
    return CONNECTIONS * calls_each / (time.perf_counter() - started_s)


def _call(port: int, verb: str, path: str, body: dict[str, object] | None = None) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        return _ask(connection, verb, path, body)
    finally:
        connection.close()


def _ask(
    connection: http.client.HTTPConnection, verb: str, path: str, body: dict[str, object] | None
) -> dict[str, str]:
    content = None if body is None else json.dumps(body)
    connection.request(verb, path, content, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{verb} {path}: {answer.status} {text.decode(errors='replace')}")
    result: dict[str, str] = json.loads(text)
    return result


@contextmanager
def _service(folder: Path) -> Iterator[tuple[int, float]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "RFUAV_PORT": str(port),
        "RFUAV_STATE_DIR": str(folder / "state"),
        "RFUAV_LOG_FILE": str(folder / "app.log"),
        "RFUAV_DATA_ROOTS": str(folder),
    }
    started_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "rfuav_ray.cli", "serve"], env=environment, cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        while True:
            if process.poll() is not None:
                raise RuntimeError("the service ended before it was healthy")
            try:
                _call(port, "GET", "/api/v1/health")
                break
            except (OSError, RuntimeError, http.client.HTTPException):
                time.sleep(0.1)
        yield port, time.perf_counter() - started_s
    finally:
        process.terminate()
        process.wait(60)


def _training(folder: Path) -> dict[str, object]:
    for part in ("train", "val"):
        for label in ("a", "b"):
            path = folder / part / label
            path.mkdir(parents=True)
            cv2.imwrite(str(path / "1.png"), np.zeros((32, 32, 3), np.uint8))
    return {
        "model": "resnet18",
        "num_classes": 2,
        "train_path": "train",
        "val_path": "val",
        "save_path": "runs",
        "device": "cpu",
        "pretrained": False,
    }
