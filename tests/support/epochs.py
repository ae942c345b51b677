"""The epochs that a training has reported."""

import re


def wait_for_epoch(client, task_id, epoch):
    """The process that runs the task, once this epoch has ended."""
    return processes_at_epoch(client, task_id, epoch)[-1]


def processes_at_epoch(client, task_id, epoch):
    """The processes of the workers of a training, of all of its runs so far, once this epoch has ended."""
    processes = []
    for entry in client.stream_training_logs(task_id):
        processes += map(int, re.findall(r"(?:started in|with|,) process (\d+)", entry["message"]))
        if entry.get("stage") == "epoch_end" and entry["step"] == epoch:
            return processes
    raise AssertionError("the training ended before that epoch")


def epochs_reported(client, task_id):
    return [e["step"] for e in client.get_logs(task_id) if e.get("stage") == "epoch_end"]
