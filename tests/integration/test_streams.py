"""Several clients on one training, over real connections."""

import json
import threading

import httpx


def read_events(url, *, headers=None, stop_after=None):
    events = []
    with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
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


def test_early_late_and_reconnecting_clients_have_the_whole_history_once(client, training, service):
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


def test_a_stream_that_has_ended_tells_a_browser_to_stay_away(service, trained):
    url = f"{service}/api/v2/tasks/{trained['task_id']}/logs"
    last = len(httpx.get(url).json())
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
    assert httpx.get(url, headers=headers).status_code == 204
    rest = httpx.get(f"{url}?after={last - 1}", headers={"Accept": "text/event-stream"}).text
    assert rest.count("data: ") == 1


def test_open_streams_are_counted(client, training, service):
    client.update_resource_config(max_concurrent={"cpu": {"training": 0}})
    task_id = client.start_training(**training())["task_id"]
    with httpx.stream("GET", f"{service}/api/v2/training/{task_id}/logs") as answer:
        lines = answer.iter_lines()
        next(lines)
        assert client.health()["active_log_streams"] == 1
