"""Audits of data sets through the real service."""

import httpx2
import pytest

from rfuav_ray.api.kinds import KINDS
from tests.support.typed_dicts import assert_is
from tests.unit.rfuav_ray.audit.datasets import make_recordings


@pytest.fixture
def recordings(root, request):
    """Eight recordings of each of two classes, of four spectrograms each, that are not split yet."""
    folder = root / request.node.name
    make_recordings(folder, {"whole": range(8)})
    return folder


def audited(client, path, **options):
    ended = client.wait(client.audit_dataset(path, **options)["task_id"], timeout=120)
    assert ended["status"] == "completed", ended
    assert_is(KINDS["audit"].result, ended["result"])
    return ended["result"]["stats"]


@pytest.mark.long
def test_audit_a_random_split_leaks_and_a_grouped_one_is_clean(client, recordings):
    for name, options in (("random", {"group_by_recording": False}), ("grouped", {})):
        split = client.split_dataset(recordings / "whole", recordings / name, **options)
        assert client.wait(split["task_id"], timeout=120)["status"] == "completed"
    leaking = audited(client, recordings / "random", save_path=recordings / "out")
    assert leaking["verdict"] == "leaks"
    assert leaking["recordings_on_both_sides"] > 0
    clean = audited(client, recordings / "grouped", save_path=recordings / "out")
    assert (clean["verdict"], clean["recordings_on_both_sides"]) == ("clean", 0)
    assert (recordings / "out" / "audit.json").is_file()


@pytest.mark.long
def test_audit_a_cancelled_one_ends_and_can_be_asked_for_again(client, recordings):
    task = client.audit_dataset(recordings / "whole", save_path=recordings / "out")
    client.cancel_task(task["task_id"])
    assert client.wait(task["task_id"], timeout=120)["status"] in {"cancelled", "completed"}
    assert audited(client, recordings / "whole", save_path=recordings / "out")["images"] == {"whole": 64}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"dataset_path": "missing"}, "dataset_path"),
        ({"dataset_path": "dataset", "train_path": "dataset/train"}, "body"),
        ({"train_path": "dataset/train", "val_path": "dataset/train"}, "val_path"),
        ({"dataset_path": "dataset", "save_path": "dataset/train/out"}, "save_path"),
    ],
)
def test_audit_a_bad_request_is_refused_with_its_field(service, dataset, body, field):
    answer = httpx2.post(f"{service}/api/v2/preprocessing/audit", json=body, timeout=30)
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]]
