"""The gauges as Prometheus reads them from Ray."""

import re
import urllib.request

import pytest
import ray

from tests.support.waiting import ask_until


def exported():
    """The lines of the service's gauges: name and tags of each series, and its value."""
    (node,) = ray.nodes()
    address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    return {
        (name, *sorted(re.findall(r'(?:task_id|kind|status|device)="[^"]*"', tags))): float(value)
        for name, tags, value in re.findall(r"^ray_(rfuav_\w+)\{(.*)\} (\S+)$", text, re.MULTILINE)
    }


def wait_for(condition):
    """Ray exports from time to time and tells nobody."""
    return ask_until(condition, exported)


@pytest.mark.long
def test_gauges_of_a_running_task_are_exported_and_those_of_an_ended_one_vanish(client, training):
    task_id = client.start_training(**training(num_epochs=100_000))["task_id"]
    tag = f'task_id="{task_id}"'
    found = wait_for(lambda found: ("rfuav_train_loss", tag) in found)
    assert {("rfuav_validation_accuracy_percent", tag), ("rfuav_images_per_second", tag)} <= found.keys()
    assert found["rfuav_slots_in_use", 'device="cpu"', 'kind="training"'] == 1
    assert found["rfuav_tasks", 'kind="training"', 'status="running"'] == 1
    client.cancel_task(task_id)
    client.wait(task_id, timeout=60)
    # Of no task: one that ended just before, another test's, is exported a while yet.
    others = {series for series in found if not any(part.startswith("task_id=") for part in series)}
    assert others
    gone = wait_for(lambda found: ("rfuav_train_loss", tag) not in found)
    assert not any(tag in series for series in gone)
    # By then Ray has forgotten what was set only before: what is still true was published again.
    assert others <= gone.keys()
    assert gone["rfuav_slots_in_use", 'device="cpu"', 'kind="training"'] == 0
