"""Tasks that write into one folder, at once and one after the other: nobody's results are lost or mixed."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from rfuav_ray.client import ServiceError

TIMEOUT_S = 150


def artifacts(service, task_id):
    return {
        found["name"]: httpx2.get(f"{service}{found['url']}").content
        for found in httpx2.get(f"{service}/api/v2/tasks/{task_id}/artifacts").json()["artifacts"]
    }


def completed(client, task_id):
    task = client.wait(task_id, timeout=TIMEOUT_S)
    assert task["status"] == "completed", task
    return task


@pytest.mark.long
def test_training_waits_for_another_in_its_folder(client, service, training, root):
    client.update_resource_config(max_concurrent={"cpu": {"training": 2}})
    fields = training(save_path=str(root / "one-folder"), name=None)
    first = client.start_training(**fields | {"num_epochs": 40})["task_id"]
    second = client.start_training(**fields | {"num_epochs": 2})["task_id"]
    waiting = client.get_task(second)
    assert waiting["status"] == "pending"
    assert waiting["message"] == f"Waiting for task {first}. It writes into the same folder '{root}/one-folder'."
    first_result = completed(client, first)["result"]
    before = artifacts(service, first) if client.get_task(second)["status"] == "pending" else None
    second_result = completed(client, second)["result"]

    assert Path(second_result["save_path"]) == root / "one-folder"
    moved = client.get_task(first)["result"]
    assert moved["save_path"] == str(root / "one-folder" / "previous" / first)
    assert moved["metrics"] == first_result["metrics"]
    own = artifacts(service, first)
    assert before is None or own == before
    assert json.loads(own["report.json"])["epochs"] == 40
    assert {name: Path(path).read_bytes() for name, path in moved["files"].items()}["report"] == own["report.json"]
    assert json.loads(artifacts(service, second)["report.json"])["epochs"] == 2
    assert set(own) == set(artifacts(service, second))
    messages = [entry["message"] for entry in client.get_logs(second) if entry["level"] == "WARNING"]
    moved_files = [message for message in messages if "contained results" in message]
    assert len(moved_files) == 1 and first in moved_files[0] and "best_model.pth" in moved_files[0]


def test_inference_keeps_its_predictions_in_a_shared_folder(client, service, trained, inference, dataset):
    folder = Path(trained["result"]["save_path"])  # the training's own files stay
    sources = [dataset / "val" / name for name in ("horizontal", "vertical")] * 2
    requests = [inference(source_path=str(source), save_path=str(folder)) for source in sources]
    tasks = [client.start_inference(**request)["task_id"] for request in requests]
    for task_id in tasks:
        completed(client, task_id)
    for task_id, source in zip(tasks, sources, strict=True):
        results = client.get_inference_results(task_id)
        assert results["total"] == len(list(source.iterdir()))
        on_disk = json.loads(Path(client.get_task(task_id)["result"]["predictions_json"]).read_text())
        assert on_disk["predictions"] == results["predictions"]
        assert json.loads(artifacts(service, task_id)["predictions.json"]) == on_disk
    assert {path.name for path in (folder / "previous").iterdir()} == set(tasks[:-1])
    assert "best_model.pth" in artifacts(service, trained["task_id"])


def test_inference_results_in_a_folder_without_notes_are_of_the_newest_task(client, inference, root):
    """As a version without notes has left them."""
    fields = inference(save_path=str(root / "without-notes"))
    older = completed(client, client.start_inference(**fields)["task_id"])["task_id"]
    (root / "without-notes" / ".inference-task.json").unlink()
    assert client.get_inference_results(older)["total"] == 10
    newer = completed(client, client.start_inference(**fields)["task_id"])["task_id"]
    assert client.get_inference_results(newer)["total"] == 10
    with pytest.raises(ServiceError, match="another task's predictions") as refused:
        client.get_inference_results(older)
    assert refused.value.status_code == 409
    assert len(list((root / "without-notes" / "previous").glob("*/predictions.json"))) == 1


def test_training_starts_from_weights_that_it_moves(client, training, root):
    fields = training(save_path=str(root / "goes-on"), name=None)
    first = completed(client, client.start_training(**fields)["task_id"])
    weights = first["result"]["files"]["best_model"]
    second = client.start_training(**fields | {"weight_path": weights})["task_id"]
    completed(client, second)
    messages = [entry["message"] for entry in client.get_logs(second)]
    assert any(f"previous/{first['task_id']}/best_model.pth'" in message for message in messages)


def test_artifacts_of_a_task_that_never_ran_are_empty(client, service, training, root):
    fields = training(save_path=str(root / "never-ran"), name=None)
    completed(client, client.start_training(**fields)["task_id"])
    client.update_resource_config(max_concurrent={"cpu": {"training": 0}})
    waiting = client.start_training(**fields)["task_id"]
    client.cancel_task(waiting)
    assert artifacts(service, waiting) == {}


@pytest.mark.long
def test_training_keeps_its_report_among_twenty_in_one_folder(client, service, training, root):
    client.update_resource_config(max_concurrent={"cpu": {"training": 2}})
    fields = training(save_path=str(root / "twenty"), name=None)
    with ThreadPoolExecutor(20) as threads:
        tasks = list(threads.map(lambda seed: client.start_training(**fields)["task_id"], range(20)))
    reports = []
    for task_id in tasks:
        completed(client, task_id)
    for task_id in tasks:
        report = json.loads(artifacts(service, task_id)["report.json"])
        reports.append((report["started_at"], report["environment"]["started_at"]))
    assert len(set(reports)) == 20


def test_inference_overwrites_and_the_older_results_are_gone(client, service, inference, dataset, root):
    sources = [dataset / "val" / "horizontal", dataset / "val" / "vertical"]
    requests = [inference(source_path=str(source), save_path=str(root / "overwritten")) for source in sources]
    first = completed(client, client.start_inference(**requests[0])["task_id"])
    client.start_inference(**requests[1], on_existing="overwrite", task_id="overwrites")
    second = completed(client, "overwrites")
    assert not (root / "overwritten" / "previous").exists()
    older = client.get_task(first["task_id"])
    assert older["message"] == "Completed. Its files are gone: task overwrites has overwritten them."
    assert not Path(older["result"]["predictions_csv"]).exists()
    assert older["result"]["images"] == first["result"]["images"]
    url = f"{service}/api/v2/tasks/{first['task_id']}/artifacts"
    assert httpx2.get(url).json()["artifacts"] == []
    assert httpx2.get(f"{url}/predictions.csv").status_code == 404
    with pytest.raises(ServiceError, match="is missing") as gone:
        client.get_inference_results(first["task_id"])
    assert gone.value.status_code == 409
    assert client.get_inference_results("overwrites")["total"] == second["result"]["images"]
    warnings = [entry["message"] for entry in client.get_logs("overwrites") if entry["level"] == "WARNING"]
    assert len(warnings) == 1 and first["task_id"] in warnings[0] and "deleted: predictions.csv" in warnings[0]


def test_inference_refuses_results_of_an_ended_task(client, inference, root):
    fields = inference(save_path=str(root / "refused" / "0")) | {"on_existing": "refuse"}
    first = client.start_inference(**fields)["task_id"]
    completed(client, first)  # an equal request was valid a moment ago
    before = {path: path.read_bytes() for path in (root / "refused" / "0").iterdir()}
    batch = {name: fields[name] for name in ("cfg_path", "weight_path", "device", "on_existing")}
    batch |= {"source_paths": [fields["source_path"]], "save_base_path": str(root / "refused")}
    for start in (lambda: client.start_inference(**fields), lambda: client.start_batch_inference(**batch)):
        with pytest.raises(ServiceError, match=f"holds results of '{first}'") as refused:
            start()
        assert refused.value.status_code == 409
    assert {path: path.read_bytes() for path in (root / "refused" / "0").iterdir()} == before


@pytest.mark.long
def test_training_that_refuses_results_waits_for_a_live_task_and_fails(client, training, root):
    fields = training(save_path=str(root / "refused-later"), name=None)
    first = client.start_training(**fields | {"num_epochs": 20})["task_id"]
    next(entry for entry in client.stream_logs(first) if entry.get("stage") == "epoch_end")
    second = client.start_training(**fields | {"on_existing": "refuse"})["task_id"]
    completed(client, first)
    ended = client.wait(second, timeout=TIMEOUT_S)
    assert ended["status"] == "failed" and f"holds results of '{first}'" in ended["error"]
    assert client.get_task(first)["result"]["save_path"] == str(root / "refused-later")
    weights = str(root / "refused-later" / "best_model.pth")
    with pytest.raises(ServiceError, match="would delete") as refused:
        client.start_training(**fields | {"on_existing": "overwrite", "weight_path": weights})
    assert refused.value.status_code == 422
