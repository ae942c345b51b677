"""What the web page of the original service sends and reads: the same requests, the same fields, nothing else.

Its page is not here: these are its calls, with the values that its forms have until somebody changes them.
"""

import json
from pathlib import Path

import httpx2
import pytest

TIMEOUT_S = 120


@pytest.fixture
def page(service):
    with httpx2.Client(base_url=service, headers={"Origin": service}, timeout=30) as client:
        yield client


def events(page, path):
    """As an EventSource reads them: what stands behind `data: `, until the page closes it."""
    with page.stream("GET", path, headers={"Accept": "text/event-stream"}, timeout=TIMEOUT_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def last_event(page, path):
    """Each entry has a message and a level; the first with a status ends the page's interest."""
    for entry in events(page, path):
        assert isinstance(entry["message"], str) and entry["level"].lower() in {"info", "warning", "error"}
        if entry.get("status") in {"completed", "failed", "cancelled"}:
            return entry
    raise AssertionError("the stream ended without a status")


def boxed(answer):
    """What the page's box says of a refusal: `result.detail || result.message`, printed into HTML."""
    body = answer.json()
    shown = body["detail"] or body["message"]
    assert isinstance(shown, str)
    return shown


def test_original_page_has_its_head_line(page):
    health = page.get("/api/v1/health").json()
    assert isinstance(health["version"], str)
    assert isinstance(health["training_tasks"], int) and isinstance(health["inference_tasks"], int)


def test_original_page_has_its_gpu_panel(page):
    assert page.get("/api/v2/resources/gpu").json()["available"] is False


def test_original_page_has_its_slot_panel(page):
    data = page.get("/api/v2/resources").json()
    assert data["device_usage"]
    for device, usage in data["device_usage"].items():
        limits = data["limits"][device]
        assert all(
            isinstance(numbers[kind], int) for numbers in (usage, limits) for kind in ("training", "inference")
        )


def test_original_page_has_its_cpu_panel(page):
    info = page.get("/api/v2/resources/cpu").json()
    assert 0 <= info["percent"] <= 100 and 0 <= info["memory_percent"] <= 100
    assert info["cores"] >= 1 and (info["physical_cores"] or 1) >= 1
    assert info["freq_mhz"] is None or info["freq_mhz"] > 0
    assert all(isinstance(info["load_avg"][minutes], float) for minutes in ("1", "5", "15"))
    assert len(info["per_cpu_percent"]) == info["cores"]


def test_original_page_trains_and_infers_twice_into_the_same_folders(page, dataset, root):
    training = {
        "model": "resnet18",
        "num_classes": 2,
        "train_path": "dataset/train",
        "val_path": "dataset/val",
        "save_path": "models/output",
        "batch_size": 16,
        "num_epochs": 1,
        "learning_rate": 0.0001,
        "device": "cpu",
    }
    refused = page.post("/api/v2/training/start", json=training | {"num_classes": 37})
    assert refused.status_code == 422 and "37" in boxed(refused) and "dataset/train" in boxed(refused)
    # The page does not know `pretrained`, whose weights cannot be had everywhere.
    started = [
        page.post("/api/v2/training/start", json=training | {"pretrained": False}).raise_for_status().json()
        for _ in range(2)
    ]
    for task in started:
        assert task["device"] == "cpu" and task["status"] in {"pending", "running"}
        assert last_event(page, f"/api/v2/tasks/{task['task_id']}/logs")["status"] == "completed"

    inference = {
        "cfg_path": "models/output/model.yaml",
        "weight_path": "models/output/best_model.pth",
        "source_path": "dataset/val",
        "save_path": "results/",
        "device": "cpu",
    }
    refused = page.post("/api/v2/inference/start", json=inference | {"source_path": "data/test"})
    assert refused.status_code == 422 and "data/test" in boxed(refused)
    for _ in range(2):
        task = page.post("/api/v2/inference/start", json=inference).raise_for_status().json()
        started.append(task)
        assert last_event(page, f"/api/v2/tasks/{task['task_id']}/logs")["status"] == "completed"

    listed = page.get("/api/v2/tasks?limit=20").json()
    assert listed["total_training"] >= 2 and listed["total_inference"] >= 2
    shown = {task["task_id"]: task for task in listed["training_tasks"] + listed["inference_tasks"]}
    for task in started:
        row = shown[task["task_id"]]
        assert (row["status"], row["device"], row["progress"]) == ("completed", "cpu", 100)
        assert isinstance(row["message"], str)
        assert page.get(f"/api/v2/tasks/{task['task_id']}/artifacts").json()["artifacts"]


def test_original_page_splits_augments_and_crops(page, dataset, root):
    split = {
        "input_path": "dataset/train",
        "output_path": "page/split",
        "train_ratio": 0.8,
        "val_ratio": 0.2,
    }
    augment = {
        "dataset_path": "page/split",
        "output_path": "page/augmented",
        "methods": ["CLAHE", "ColorJitter", "GaussNoise"],
    }
    crop = {
        "input_path": "dataset/val",
        "output_path": "page/cropped",
        "x": 10,
        "y": 10,
        "width": 500,
        "height": 500,
    }
    for kind, payload in {"split": split, "augment": augment, "crop": crop}.items():
        answer = page.post(f"/api/v2/preprocessing/{kind}", json=payload)
        assert answer.status_code == 200, answer.text
        path = f"/api/v2/preprocessing/{answer.json()['task_id']}/logs"
        assert last_event(page, path)["status"] == "completed"
    assert sorted(
        path.name for path in Path(root, "page", "split").iterdir() if not path.name.startswith(".")
    ) == [
        "train",
        "valid",
    ]
    refused = page.post("/api/v2/preprocessing/split", json=split | {"val_ratio": 0.3})
    assert refused.status_code == 422
    assert refused.json()["message"].startswith("val_ratio: train_ratio + val_ratio is 1.1")
    assert "Value error" not in refused.text
