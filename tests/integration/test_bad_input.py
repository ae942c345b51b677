"""What is refused at submission, what fails while running, and that the service is well after each."""

import json
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
import yaml

from tests.support.images import write_image


@pytest.fixture
def start(service):
    def post(route, body):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return httpx2.post(f"{service}/api/v2/{route}", content=content, headers=headers)

    yield post
    assert httpx2.get(f"{service}/api/v1/health").json()["status"] == "healthy"


def check_refused(answer, field, *reasons, code=422):
    body = answer.json()
    assert answer.status_code == code, body
    assert body["status"] == "error" and "Traceback" not in answer.text
    assert body["errors"][0]["field"] == field
    for reason in reasons:
        assert str(reason) in body["message"]


@pytest.fixture
def broken_dataset(root):
    """A copy of the idea of a data set, with something wrong."""

    def make(name, classes=("a", "b"), empty=()):
        folder = root / "broken" / name
        for class_name in classes:
            (folder / class_name).mkdir(parents=True, exist_ok=True)
            if class_name not in empty:
                write_image(folder / class_name / "1.png", "vertical", np.random.default_rng(0))
        return str(folder)

    return make


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"model": "alexnet"}, "model", "mobilenet_v3_small"),
        ({"train_path": "nowhere"}, "train_path", "nowhere"),
        ({"val_path": "nowhere"}, "val_path", "nowhere"),
        ({"num_classes": 3}, "num_classes", "horizontal"),
        ({"device": "cuda:9"}, "device", "cuda:1"),
        ({"device": "gpu"}, "device", "gpu"),
        ({"priority": 0}, "priority", "greater than or equal to 1"),
        ({"image_size": 8}, "image_size", "greater than or equal to 32"),
        ({"model": "vit_b_16", "image_size": 100}, "image_size", "16"),
        ({"task_id": "a/b"}, "task_id", "pattern"),
        ({"weight_path": "nowhere.pth"}, "weight_path", "nowhere.pth"),
        ({"num_epochs": "many"}, "num_epochs", "many"),
        ({"name": "../../up"}, "name", "not a path"),
    ],
)
def test_training_with_a_bad_field_is_refused(start, training, changes, field, reason):
    check_refused(start("training/start", training(**changes)), field, reason)


def test_training_with_a_bad_dataset_is_refused(start, training, broken_dataset):
    two = broken_dataset("two")
    cases = {
        "train_path": training(train_path=broken_dataset("empty", empty=("b",)), val_path=two),
        "val_path": training(train_path=two, val_path=broken_dataset("other", classes=("a", "c"))),
    }
    for field, request in cases.items():
        check_refused(start("training/start", request), field, "broken")


def test_training_with_a_path_outside_the_roots_is_forbidden(start, training):
    for field in ("train_path", "val_path", "save_path", "weight_path"):
        check_refused(start("training/start", training(**{field: "/etc"})), field, "outside", code=403)


def test_request_with_malformed_json_is_refused(start):
    check_refused(start("training/start", b'{"model": "resnet18"'), "body", "not valid JSON")
    check_refused(start("training/start", b"[]"), "body")


def test_request_with_a_huge_body_is_refused(start):
    assert start("training/start", b" " * 2_000_000).status_code == 413


def test_request_with_a_huge_number_is_refused(start, service, training):
    for number in (1001, 10**21, 10**400):
        limits = {"max_concurrent": {"cpu": {"training": number}}}
        check_refused(start("resources/config", limits), "max_concurrent.cpu.training", "1000")
    check_refused(start("training/start", training(num_epochs=10**21)), "num_epochs", "100000")
    check_refused(start("training/start", training(learning_rate=10**400)), "learning_rate")
    check_refused(
        start("training/start", json.dumps(training()).encode()[:-1] + b', "batch_size": 1' + b"0" * 5000 + b"}"),
        "body",
    )
    for query in ("offset=1" + "0" * 30, "limit=1001", "limit=1" + "0" * 30):
        check_refused(httpx2.get(f"{service}/api/v2/tasks?{query}"), query.partition("=")[0])


def test_training_with_an_id_in_use_is_refused(start, training, trained):
    answer = start("training/start", training(task_id=trained["task_id"]))
    assert answer.status_code == 409 and trained["task_id"] in answer.json()["message"]


def test_task_with_an_unknown_id_is_not_found(service, trained):
    for method, route in [
        ("GET", "tasks/nobody"),
        ("GET", "tasks/nobody/logs"),
        ("POST", "tasks/nobody/cancel"),
        ("DELETE", "tasks/nobody"),
        ("GET", f"inference/{trained['task_id']}"),
        ("GET", f"inference/{trained['task_id']}/results"),
        ("POST", "training/nobody/stop"),
    ]:
        answer = httpx2.request(method, f"{service}/api/v2/{route}")
        assert answer.status_code == 404 and answer.json()["status"] == "error", route


def test_inference_with_bad_input_is_refused(start, inference, root):
    (root / "empty").mkdir()
    (root / "text.pth").write_text("no weights")
    configs = {
        "not yaml": "model: [",
        "no mapping": "- a",
        "unknown model": "model: alexnet\nnum_classes: 2\nclass_names: [a, b]\n",
        "wrong count": "model: resnet18\nnum_classes: 3\nclass_names: [a, b]\n",
    }
    for name, text in configs.items():
        path = root / f"{name}.yaml"
        path.write_text(text)
        check_refused(start("inference/start", inference(cfg_path=str(path))), "cfg_path", path)
    other = yaml.safe_load(Path(inference()["cfg_path"]).read_text()) | {"model": "resnet50"}
    (root / "other.yaml").write_text(yaml.safe_dump(other))
    cases = [
        (inference(weight_path=str(root / "text.pth")), "weight_path", "text.pth"),
        (inference(cfg_path=str(root / "other.yaml")), "weight_path", "resnet18"),
        (inference(source_path=str(root / "empty")), "source_path", "no image"),
        (inference(source_path=str(root / "text.pth")), "source_path", "not an image"),
        (inference(source_path="gone.png"), "source_path", "gone.png"),
        (inference(task_id="a/b"), "task_id", "pattern"),
    ]
    for request, field, reason in cases:
        check_refused(start("inference/start", request), field, reason)


def test_training_names_unreadable_images_and_with_strict_it_fails(client, training, broken_dataset):
    folder, other = Path(broken_dataset("unreadable")), broken_dataset("readable")
    (folder / "b" / "2.png").write_bytes(b"not a picture")
    fields = training(train_path=str(folder), val_path=other, num_epochs=1)
    task = client.start_training(**fields)
    ended = client.wait(task["task_id"], timeout=120)
    assert ended["status"] == "completed" and ended["result"]["unreadable"] == 1
    assert ended["result"]["unreadable_files"][0]["file"] == str(folder / "b" / "2.png")
    warnings = [entry for entry in client.get_logs(task["task_id"]) if entry["level"] == "WARNING"]
    assert any(str(folder / "b" / "2.png") in entry["message"] for entry in warnings)
    task = client.start_training(**{**fields, "strict": True})
    ended = client.wait(task["task_id"], timeout=60)
    assert ended["status"] == "failed" and str(folder / "b" / "2.png") in ended["error"]
    last = client.get_logs(task["task_id"])[-1]
    assert (last["status"], last["level"]) == ("failed", "ERROR") and "2.png" in last["message"]


def test_inference_fails_and_names_an_unreadable_source(client, inference, root):
    (root / "bad.png").write_bytes(b"")
    task = client.start_inference(**inference(source_path=str(root / "bad.png")))
    ended = client.wait(task["task_id"], timeout=60)
    assert ended["status"] == "failed" and "bad.png" in ended["error"]


def test_inference_classifies_an_image_of_one_pixel(client, inference, root):
    source = root / "pixel.png"
    assert cv2.imwrite(str(source), np.zeros((1, 1, 3), np.uint8))
    task = client.start_inference(**inference(source_path=str(source)))
    assert client.wait(task["task_id"], timeout=60)["status"] == "completed"
