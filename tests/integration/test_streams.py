"""Several clients on one training, over real connections."""

import json
import socket
import sys
import threading

import httpx2
import psutil
import pytest

from tests.support.task_logs import write_log


def read_events(url, *, headers=None, stop_after=None):
    events = []
    with httpx2.stream("GET", url, headers=headers, timeout=60) as answer:
        answer.raise_for_status()
        number = None
        for line in answer.iter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                events.append((number, json.loads(line[6:])))
                if stop_after is not None and len(events) >= stop_after:
                    break
    return events


def test_stream_gives_early_late_and_reconnecting_clients_every_event_once(client, training, service):
    task_id = client.start_training(**training(num_epochs=4))["task_id"]
    url = f"{service}/api/v2/training/{task_id}/logs"
    seen = {}

    def early():
        seen["early"] = read_events(url)

    def reconnecting():
        first = read_events(url, stop_after=6)
        second = read_events(url, headers={"Last-Event-ID": str(first[-1][0])})
        seen["reconnecting"] = first + second

    clients = [threading.Thread(target=early), threading.Thread(target=reconnecting)]
    for thread in clients:
        thread.start()
    for entry in client.stream_training_logs(task_id):
        if entry.get("stage") == "epoch_end" and entry["step"] == 2:
            break
    seen["late"] = read_events(url)
    for thread in clients:
        thread.join(60)
    numbers = [number for number, _ in seen["early"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert seen["late"] == seen["reconnecting"] == seen["early"]
    assert seen["early"][-1][1]["status"] == "completed"


def test_stream_behind_its_last_event_answers_204(service, trained):
    url = f"{service}/api/v2/tasks/{trained['task_id']}/logs"
    last = len(httpx2.get(url).json())
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
    assert httpx2.get(url, headers=headers).status_code == 204
    rest = httpx2.get(f"{url}?after={last - 1}", headers={"Accept": "text/event-stream"}).text
    assert rest.count("data: ") == 1


def test_stream_is_counted_while_it_is_open(client, training, service):
    client.update_resource_config(max_concurrent={"cpu": {"training": 0}})
    task_id = client.start_training(**training())["task_id"]
    with httpx2.stream("GET", f"{service}/api/v2/training/{task_id}/logs") as answer:
        lines = answer.iter_lines()
        next(lines)
        assert client.health()["active_log_streams"] == 1


ENTRIES = 60_000
ENTRY_BYTES = 1000


@pytest.fixture
def long_log(client, training):
    """A task that waits, with a log of 60 MB."""
    client.update_resource_config(max_concurrent={"cpu": {"training": 0}})
    task_id = client.start_training(**training())["task_id"]
    entry = {"timestamp": "2026-01-01T00:00:00+00:00", "level": "INFO", "message": "x" * ENTRY_BYTES}
    for _ in range(0, ENTRIES, 10_000):
        write_log(client, task_id, [entry] * 10_000)
    return task_id


def memory_of_the_api_mb():
    """What its processes have for themselves: they also share the object store of Ray, whose pages come and go."""
    processes = [p for p in psutil.Process().children(recursive=True) if is_of_the_api(p)]
    assert len(processes) >= 3
    return sum(process.memory_full_info().uss for process in processes) / 1e6


def is_of_the_api(process):
    title = " ".join(process.cmdline())
    return any(name in title for name in ("ServeReplica", "ProxyActor", "/bin/haproxy"))


def watch(seconds):
    """Yields ten times a second."""
    is_over = threading.Event()
    for _ in range(10 * seconds):
        yield
        is_over.wait(0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what waits for a client")
@pytest.mark.long
def test_stream_waits_for_a_slow_client_in_bounded_memory(service, long_log):
    host, port = service.removeprefix("http://").split(":")
    before = memory_of_the_api_mb()
    with socket.create_connection((host, int(port)), timeout=60) as slow:
        slow.sendall(f"GET /api/v2/training/{long_log}/logs HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        most = max(memory_of_the_api_mb() for _ in watch(seconds=5))
        assert most - before < ENTRIES * ENTRY_BYTES / 1e6 / 2
        last = f"id: {ENTRIES}\n".encode()
        received, tail = 0, b""
        while last not in tail:
            data = slow.recv(1 << 20)
            assert data, "the stream ended"
            received += len(data)
            tail = (tail + data)[-3 * ENTRY_BYTES :]
    assert received > ENTRIES * ENTRY_BYTES


def test_log_is_read_in_pages(service, long_log):
    url = f"{service}/api/v2/tasks/{long_log}/logs"
    assert len(httpx2.get(url, timeout=60).json()) == 10_000
    page = httpx2.get(url, params={"after": ENTRIES - 5, "limit": 3}, timeout=60).json()
    assert len(page) == 3 and {len(entry["message"]) for entry in page} == {ENTRY_BYTES}
