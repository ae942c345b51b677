"""Train, watch, infer: the flows of the HTTP contract over a real service."""

import csv
import json
from pathlib import Path

import httpx2
import pytest

from rfuav_ray.api.results import EpochMetrics, InferenceResult, TrainingResult
from tests.support.metric_names import ALL_FILES, LATEST_METRICS
from tests.support.typed_dicts import assert_is


def test_training_leaves_its_files_and_metrics(trained):
    folder = Path(trained["result"]["save_path"])
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == ALL_FILES
    assert_is(TrainingResult, trained["result"])
    assert_is(EpochMetrics, trained["latest_metrics"])
    assert trained["progress"] == 100 and trained["current_epoch"] == trained["total_epochs"] == 6
    assert trained["latest_metrics"]["best_acc"] > 75


def test_stream_has_every_epoch_and_ends_with_the_status(client, trained):
    entries = list(client.stream_training_logs(trained["task_id"]))
    epochs = [entry["metrics"] for entry in entries if entry.get("stage") == "epoch_end"]
    assert [metrics["epoch"] for metrics in epochs] == [1, 2, 3, 4, 5, 6]
    assert all(set(metrics) >= set(LATEST_METRICS) for metrics in epochs)
    assert entries[-1]["stage"] == "completed" and entries[-1]["status"] == "completed"
    assert all({"timestamp", "level", "message"} <= set(entry) for entry in entries)
    assert client.get_logs(trained["task_id"]) == entries


def test_stream_is_complete_in_its_data_lines(service, trained):
    with httpx2.stream("GET", f"{service}/api/v2/training/{trained['task_id']}/logs") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    entries = [json.loads(line[6:]) for line in lines]
    assert [entry["level"] for entry in entries] and entries[-1]["message"] == "Completed."


def test_inference_agrees_with_the_accuracy_of_the_training(client, trained, inference, root):
    task = client.start_inference(**inference(save_path=str(root / "predictions")))
    ended = client.wait(task["task_id"], timeout=60)
    assert ended["status"] == "completed", ended
    assert_is(InferenceResult, ended["result"])
    with (root / "predictions" / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right = sum(Path(row["file"]).parent.name == row["class_name"] for row in rows)
    assert len(rows) == 10
    assert right / len(rows) * 100 == pytest.approx(trained["latest_metrics"]["best_acc"])


def test_inference_results_come_in_pages(client, inference):
    task = client.start_inference(**inference())
    assert client.wait(task["task_id"], timeout=60)["status"] == "completed"
    first = client.get_inference_results(task["task_id"], offset=0, limit=4)
    last = client.get_inference_results(task["task_id"], offset=8, limit=4)
    assert (first["total"], len(first["predictions"]), len(last["predictions"])) == (10, 4, 2)
    assert first["model"] == "resnet18"
    assert {"file", "class_name", "class_index", "probability", "top5"} <= set(first["predictions"][0])


def test_batch_inference_makes_a_task_for_each_source(client, trained, dataset, root):
    folder = Path(trained["result"]["save_path"])
    batch = client.start_batch_inference(
        cfg_path=str(folder / "model.yaml"),
        weight_path=str(folder / "best_model.pth"),
        source_paths=[str(dataset / "val" / "vertical"), str(dataset / "val" / "vertical" / "0.png")],
        save_base_path=str(root / "batch"),
        device="cpu",
    )
    assert batch["total"] == 2
    results = [client.wait(task_id, timeout=60)["result"] for task_id in batch["task_ids"]]
    assert [result["images"] for result in results] == [5, 1]
    assert (root / "batch" / "1" / "predictions.csv").exists()


def test_batch_inference_with_a_bad_source_starts_nothing(client, trained, dataset):
    folder = Path(trained["result"]["save_path"])
    before = client.get_all_tasks()["total_inference"]
    with pytest.raises(Exception, match=r"source_paths\.1"):
        client.start_batch_inference(
            cfg_path=str(folder / "model.yaml"),
            weight_path=str(folder / "best_model.pth"),
            source_paths=[str(dataset / "val"), str(dataset / "nowhere")],
        )
    assert client.get_all_tasks()["total_inference"] == before


def test_training_starts_from_given_weights(client, training, trained):
    weights = Path(trained["result"]["save_path"]) / "best_model.pth"
    task = client.start_training(**training(model="resnet18", weight_path=str(weights), learning_rate=1e-6))
    ended = client.wait(task["task_id"], timeout=60)
    assert ended["status"] == "completed"
    assert ended["latest_metrics"]["val_acc"] == pytest.approx(trained["latest_metrics"]["best_acc"], abs=10.1)


def test_service_describes_itself(client, service):
    health = client.health()
    assert health["status"] == "healthy" and {"cpu", "cuda:0", "cuda:1"} == set(
        health["resource_status"]["limits"]
    )
    assert len(client.info()["supported_models"]) == 14
    assert client.get_resources()["limits"]["cpu"] == {"training": 2, "inference": 4}
    assert client.get_gpu_info()["available"] in {True, False}
    assert httpx2.get(f"{service}/api/v2/resources/cpu").json()["cores"] >= 1
    assert "/api/v2/training/start" in httpx2.get(service).json()["endpoints"]


def test_docs_pages_name_no_other_host(service):
    for page in ("/docs", "/redoc"):
        text = httpx2.get(service + page).text
        assert "https://" not in text.replace("https://fastapi.tiangolo.com", "")
    assert httpx2.get(f"{service}/static-offline-docs/swagger-ui-bundle.js").status_code == 200
    assert httpx2.get(f"{service}/openapi.json").json()["info"]["title"] == "rfuav-ray"
