"""Files that others put where a run left its state: nothing of them is run, and nothing outside changes."""

import json
import os
import pickle
import re
import signal
import zipfile
from pathlib import Path

import pytest
import torch

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.errors import RunCancelled
from rfuav_ray.events import RunEvent
from rfuav_ray.files import content_digest
from rfuav_ray.training.run import train
from tests.security.folders import contents, ended, images, start
from tests.support.training_runs import stop_in_epoch, warnings_of


class Command:
    """A pickle that runs a command where it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def changed(file: Path, **changes: object) -> None:
    torch.save(torch.load(file, weights_only=True) | changes, file)


def command_in_archive(file: Path, outside: Path) -> None:
    torch.save({"run_id": Command(outside / "marker")}, file)


def bare_command(file: Path, outside: Path) -> None:
    file.write_bytes(pickle.dumps(Command(outside / "marker")))


def zip_bomb(file: Path, _outside: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a/data.pkl", "w") as entry:
        for _ in range(200):
            entry.write(bytes(10_000_000))


def sparse(file: Path, _outside: Path) -> None:
    os.truncate(file, 10**12)


def link(file: Path, outside: Path) -> None:
    file.rename(outside / "checkpoint.pt")
    file.symlink_to(outside / "checkpoint.pt")


def later_epoch(file: Path, _outside: Path) -> None:
    changed(file, epoch=10**9)


def more_epochs(file: Path, _outside: Path) -> None:
    history = torch.load(file, weights_only=True)["history"]
    rows = [history[0] | {"epoch": number} for number in range(1, 10_001)]
    changed(file, epoch=10_000, history=rows)


def other_shapes(file: Path, _outside: Path) -> None:
    model = torch.load(file, weights_only=True)["model"]
    changed(file, model={name: torch.zeros(1) for name in model})


def other_types(file: Path, _outside: Path) -> None:
    changed(file, history="none", best=[1], rng={"cpu": torch.zeros(3)})


def other_task(file: Path, _outside: Path) -> None:
    changed(file, run_id="somebody")


PLANTS = [
    command_in_archive,
    bare_command,
    zip_bomb,
    sparse,
    link,
    later_epoch,
    more_epochs,
    other_shapes,
    other_types,
    other_task,
]


def says_why(warnings: list[str]) -> bool:
    return any("checkpoint" in warning and "starts from the beginning" in warning for warning in warnings)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_planted_files_a_resumed_run_starts_anew_and_says_why(training, inside, tmp_path, plant):
    run = TrainingRequest(**training(save_path=str(inside), name="run", num_epochs=2))
    with pytest.raises(RunCancelled):
        train(run, report=stop_in_epoch(2), run_id="run")
    outside = tmp_path / "outside"
    outside.mkdir()
    plant(inside / "run" / "checkpoint.pt", outside)
    before = contents(outside)
    events: list[RunEvent] = []
    result = train(run, report=events.append, run_id="run", resume=True, roots=[inside.parent.parent])
    assert result["epochs"] == 2 and says_why(warnings_of(events)), events
    assert contents(outside) == before


@pytest.mark.parametrize("plant", [command_in_archive, zip_bomb, other_task], ids=lambda plant: plant.__name__)
def test_planted_files_a_training_starts_anew_and_says_why(client, training, inside, tmp_path, plant):
    client.update_resource_config(max_concurrent={"cpu": {"training": 1}})
    task_id = client.start_training(**training(save_path=str(inside), name="run", num_epochs=8))["task_id"]
    process = 0
    for entry in client.stream_logs(task_id):
        if found := re.search(r"started in process (\d+)", entry["message"]):
            process = int(found[1])
        if entry.get("stage") == "epoch_end" and entry["step"] == 2:
            break
    client.update_resource_config(max_concurrent={"cpu": {"training": 0}})
    os.kill(process, signal.SIGKILL)
    next(entry for entry in client.stream_logs(task_id) if "Queued again" in entry["message"])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (inside / "run" / "checkpoint_epoch.pt").unlink(missing_ok=True)
    plant(inside / "run" / "checkpoint.pt", outside)
    # What was moved is deleted again: the names and the folder of this note are no such results.
    moved = {"task_id": "../../x", "folder": str(outside), "names": ["secret", "../secret"], "is_deleted": True}
    (inside / "run" / ".training-task.json").write_text(json.dumps({"task_id": task_id, "moved": moved}))
    before = contents(outside)
    client.update_resource_config(max_concurrent={"cpu": {"training": 2}})
    task, warnings = ended(client, task_id)
    assert task["status"] == "completed" and task["result"]["epochs"] == 8, task
    assert says_why(warnings), warnings
    assert contents(outside) == before


LINES = [
    [0, "../../x", 0, None, 0],
    [10**300, "", 0, None, 0],
    [-1, "", 0, None, 0],
    [{}, [], {}, {}, {}],
    [1, "digest", "many", {"a": 1}, -5],
    ["/etc/passwd"],
    {"number": 1},
]


def test_planted_files_a_split_makes_what_a_manifest_says_is_finished(service, client, dataset, inside):
    source = images(inside / "set", dataset)
    first = start(service, "preprocessing/split", input_path=str(source), output_path=str(inside / "first"))
    assert ended(client, first)[0]["status"] == "completed"
    out = inside / "out"
    (out / ".rfuav-run").mkdir(parents=True)
    run = json.loads((inside / "first" / ".rfuav-run" / "run.json").read_text())
    run |= {"state": "unfinished", "run_id": "somebody", "result": None}
    (out / ".rfuav-run" / "run.json").write_text(json.dumps(run))
    made = sorted(file for file in source.rglob("*.png"))
    finished = [[number, content_digest(file), 0, None, 0] for number in range(len(made)) for file in made]
    lines = [json.dumps(line) for line in [*finished, *LINES]] + ["[" * 100_000, "9" * 1_000_000, "\0" * 1000]
    (out / ".rfuav-run" / "finished.jsonl").write_text("\n".join(lines))
    task, _ = ended(client, start(service, "preprocessing/split", input_path=str(source), output_path=str(out)))
    assert task["status"] == "completed", task
    names = {file.relative_to(inside / "first") for file in (inside / "first").rglob("*.png")}
    assert {file.relative_to(out) for file in out.rglob("*.png")} == names


def test_planted_files_a_result_of_somebody_is_no_result_of_a_task(service, client, dataset, inside):
    source, out = images(inside / "set", dataset), inside / "out"
    first = start(service, "preprocessing/split", input_path=str(source), output_path=str(inside / "first"))
    assert ended(client, first)[0]["status"] == "completed"
    (out / ".rfuav-run").mkdir(parents=True)
    run = json.loads((inside / "first" / ".rfuav-run" / "run.json").read_text())
    planted = {"output_path": "/etc", "stats": {"total_images": "many"}, "failures": []}
    run |= {"state": "complete", "run_id": "planted-result", "result": planted}
    (out / ".rfuav-run" / "run.json").write_text(json.dumps(run))
    fields = {"input_path": str(source), "output_path": str(out), "task_id": "planted-result"}
    task, _ = ended(client, start(service, "preprocessing/split", **fields))
    assert task["status"] == "completed" and task["result"]["output_path"] == str(out), task
    assert task["result"]["stats"]["total_images"] == 8
