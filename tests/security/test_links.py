"""Links that lead out of DATA_ROOTS: nothing outside is read, shown, written or deleted."""

import json
import os
from pathlib import Path

import httpx2
import numpy as np
import pytest

from tests.security.folders import contents, ended, images, start
from tests.support.images import CLASSES

SECRET = "root:x:0:0:secret"


@pytest.fixture
def outside(tmp_path):
    """A folder that requests may not name, with a secret file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    return folder


def swapped(path: Path, target: Path) -> None:
    """Put a link where a file or folder was."""
    if path.exists():
        path.rename(path.with_name(f"{path.name}.before"))
    path.symlink_to(target)


def assert_hidden(folder: Path) -> None:
    assert all(SECRET.encode() not in content for content in contents(folder).values())


@pytest.mark.parametrize("route", ["split", "augment"])
def test_links_a_linked_card_is_not_copied(service, client, dataset, inside, outside, route):
    source = images(inside / "set" / "train", dataset)
    if route == "split":
        source = inside / "set" / "train"
    (inside / "set" / "train" / "dataset.yaml").symlink_to(outside / "secret")
    (inside / "set" / "dataset.yaml").symlink_to(outside / "secret")
    field = {"split": "input_path", "augment": "dataset_path"}[route]
    given = source if route == "split" else inside / "set"
    task_id = start(service, f"preprocessing/{route}", **{field: str(given)}, output_path=str(inside / "out"))
    task, warnings = ended(client, task_id)
    assert task["status"] == "completed", task
    assert any("dataset.yaml" in warning and "DATA_ROOTS" in warning for warning in warnings)
    assert_hidden(inside / "out")
    assert httpx2.get(f"{service}/api/v2/tasks/{task_id}/artifacts/dataset.yaml").status_code == 404


def test_links_linked_images_and_folders_are_left_out(service, client, dataset, inside, outside):
    source = images(inside / "set", dataset)
    hidden = images(outside / "set", dataset)
    (source / CLASSES[0] / "linked.png").symlink_to(hidden / CLASSES[0] / "0.png")
    (source / CLASSES[1] / "folder").symlink_to(hidden / CLASSES[1])
    (source / "third").symlink_to(hidden / CLASSES[1])
    task_id = start(service, "preprocessing/split", input_path=str(source), output_path=str(inside / "out"))
    task, warnings = ended(client, task_id)
    assert task["status"] == "completed" and task["result"]["left_out"]["outside_roots"] == 3
    assert any("linked.png" in warning for warning in warnings)
    assert not list((inside / "out").rglob("linked.png"))


def test_links_below_the_roots_are_followed(service, client, dataset, inside):
    source = images(inside / "set", dataset)
    elsewhere = images(inside / "elsewhere", dataset)
    (source / CLASSES[0] / "linked.png").symlink_to(elsewhere / CLASSES[0] / "0.png")
    (elsewhere / "card.yaml").write_text("stft: {style: rfuav}\n")
    (source / "dataset.yaml").symlink_to(elsewhere / "card.yaml")
    task_id = start(service, "preprocessing/split", input_path=str(source), output_path=str(inside / "out"))
    task, _ = ended(client, task_id)
    assert task["status"] == "completed" and len(list((inside / "out").rglob("linked.png"))) == 1
    assert "rfuav" in httpx2.get(f"{service}/api/v2/tasks/{task_id}/artifacts/dataset.yaml").text


def test_links_pictures_and_listings_end_at_the_roots(service, dataset, inside, outside):
    hidden = images(outside / "set", dataset)
    (inside / "linked.png").symlink_to(hidden / CLASSES[0] / "0.png")
    (inside / "folder").symlink_to(hidden)
    for path in (inside / "linked.png", inside / "folder" / CLASSES[0] / "0.png"):
        answer = httpx2.get(f"{service}/api/v2/files/image", params={"path": str(path)})
        assert answer.status_code == 403, answer.text
    listed = httpx2.get(f"{service}/api/v2/files", params={"path": str(inside)}).json()["entries"]
    assert listed == []


def test_links_a_result_that_was_swapped_is_not_served(service, client, inference, inside, outside):
    task_id = client.start_inference(**inference(save_path=str(inside / "out")))["task_id"]
    task, _ = ended(client, task_id)
    assert task["status"] == "completed"
    url = f"{service}/api/v2/tasks/{task_id}/artifacts"
    assert httpx2.get(f"{url}/predictions.csv").status_code == 200
    for name in ("predictions.csv", "predictions.jsonl"):
        swapped(inside / "out" / name, outside / "secret")
    assert httpx2.get(f"{url}/predictions.csv").status_code == 404
    assert "predictions.csv" not in {one["name"] for one in httpx2.get(url).json()["artifacts"]}
    answer = httpx2.get(f"{service}/api/v2/inference/{task_id}/results")
    assert answer.status_code == 409 and SECRET not in answer.text
    swapped(inside / "out", outside)
    assert httpx2.get(url).json()["artifacts"] == []


@pytest.mark.parametrize("kind", ["training", "inference"])
def test_links_an_output_that_was_swapped_is_not_written(
    service, client, training, inference, inside, outside, kind
):
    (outside / "best_model.pth").write_text(SECRET)
    (outside / "predictions.csv").write_text(SECRET)
    client.update_resource_config(max_concurrent={"cpu": {kind: 0}})
    (inside / "out").mkdir()
    fields = (
        training(save_path=str(inside / "out"), name=None)
        if kind == "training"
        else inference(save_path=str(inside / "out"))
    )
    task_id = start(
        service, f"{kind}/start", **{name: value for name, value in fields.items() if value is not None}
    )
    swapped(inside / "out", outside)
    before = contents(outside)
    client.update_resource_config(max_concurrent={"cpu": {kind: 2}})
    task, _ = ended(client, task_id)
    assert task["status"] == "failed" and "DATA_ROOTS" in task["error"], task
    assert contents(outside) == before


def test_links_in_an_output_folder_are_replaced_and_not_followed(client, training, inside, outside):
    names = ("best_model.pth", "last_model.pth", "checkpoint.pt", "model.yaml", "metrics.csv", "report.json")
    out = inside / "out"
    out.mkdir()
    for name in (*names, ".training-task.json", ".training-files.json"):
        (outside / name).write_text(SECRET)
        (out / name).symlink_to(outside / name)
    before = contents(outside)
    task, _ = ended(client, client.start_training(**training(save_path=str(out), name=None))["task_id"])
    assert task["status"] == "completed", task
    assert contents(outside) == before
    assert not any((out / name).is_symlink() for name in names)


def test_links_earlier_results_are_not_moved_through_a_link(client, training, inside, outside):
    out = inside / "out"
    out.mkdir()
    (out / "report.json").write_text("{}")
    (out / "previous").symlink_to(outside)
    before = contents(outside)
    task, _ = ended(client, client.start_training(**training(save_path=str(out), name=None))["task_id"])
    assert task["status"] == "failed" and "link" in task["error"]
    assert contents(outside) == before and (out / "report.json").read_text() == "{}"


def test_links_the_run_folder_of_a_preprocessing_is_not_followed(service, client, dataset, inside, outside):
    source, out = images(inside / "set", dataset), inside / "out"
    (out / ".rfuav-run").mkdir(parents=True)
    for name in ("owner.lock", "writers.lock", "finished.jsonl", "run.json"):
        (out / ".rfuav-run" / name).symlink_to(outside / name)
    (outside / "finished.jsonl").write_text(SECRET)
    before = contents(outside)
    task, _ = ended(client, start(service, "preprocessing/split", input_path=str(source), output_path=str(out)))
    assert task["status"] == "failed", task
    assert contents(outside) == before


@pytest.fixture
def recording(inside):
    samples = np.exp(0.3j * np.arange(300_000)).astype(np.complex64)
    samples.tofile(inside / "good.iq")
    return {"input_path": str(inside), "sample_rate_hz": 1e6, "stft_points": 256, "duration_s": 0.1}


def test_links_recordings_and_what_lies_beside_them_stay_below_the_roots(
    service, client, inside, outside, recording
):
    np.zeros(300_000, np.complex64).tofile(outside / "hidden.iq")
    (outside / "hidden.xml").write_text(f"<a><SampleRate>{SECRET}</SampleRate></a>")
    (inside / "linked.iq").symlink_to(outside / "hidden.iq")
    (inside / "good.xml").symlink_to(outside / "hidden.xml")
    (inside / "data.iq2").symlink_to(outside / "hidden.iq")
    meta = {"global": {"core:datatype": "cf32_le", "core:dataset": "data.iq2"}, "captures": []}
    (inside / "pair.sigmf-meta").write_text(json.dumps(meta))
    (inside / "meta.sigmf-meta").symlink_to(outside / "secret")
    task_id = start(service, "preprocessing/spectrogram", **recording, output_path=str(inside.with_suffix(".out")))
    task, warnings = ended(client, task_id)
    assert task["status"] == "completed" and task["result"]["stats"]["recordings"] == 1, task
    said = "\n".join(warnings)
    assert SECRET not in said and "pair.sigmf-meta" in said and "linked.iq" in said
    assert not list(inside.with_suffix(".out").rglob("pair*"))


def test_links_a_model_that_was_swapped_is_not_read(service, client, inference, inside, outside):
    fields = inference()
    for field, name in (("cfg_path", "model.yaml"), ("weight_path", "best.pth")):
        (inside / name).write_bytes(Path(fields[field]).read_bytes())
        fields[field] = str(inside / name)
    client.update_resource_config(max_concurrent={"cpu": {"inference": 0}})
    task_id = client.start_inference(**fields)["task_id"]
    swapped(inside / "model.yaml", outside / "secret")
    client.update_resource_config(max_concurrent={"cpu": {"inference": 2}})
    task, _ = ended(client, task_id)
    assert task["status"] == "failed" and "DATA_ROOTS" in task["error"] and SECRET not in task["error"]


def test_links_a_named_pipe_holds_nobody_up(service, client, dataset, inside):
    source = images(inside / "set", dataset)
    os.mkfifo(source / CLASSES[0] / "pipe.png")
    os.mkfifo(source / "dataset.yaml")
    answer = httpx2.post(
        f"{service}/api/v2/preprocessing/split",
        json={"input_path": str(source), "output_path": str(inside / "out")},
    )
    task, _ = ended(client, answer.json()["task_id"])
    assert task["status"] in {"completed", "failed"}
