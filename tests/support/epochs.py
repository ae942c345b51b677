"""The epochs that a training has reported."""

import re


def wait_for_epoch(client, task_id, epoch):
    """The process that runs the task, once this epoch has ended."""
    process = None
    for entry in client.stream_training_logs(task_id):
        if found := re.search(r"started in process (\d+)", entry["message"]):
            process = int(found.group(1))
        if entry.get("stage") == "epoch_end" and entry["step"] == epoch:
            return process
    raise AssertionError("the training ended before that epoch")


def epochs_reported(client, task_id):
    return [e["step"] for e in client.get_logs(task_id) if e.get("stage") == "epoch_end"]
