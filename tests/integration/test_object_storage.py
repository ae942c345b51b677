"""A data set in a bucket: split, training and inference by the service, over a way that is slow and breaks."""

import json
from pathlib import Path

import httpx2
import psutil
import pytest

from rfuav_ray.client import ServiceError
from tests.support.object_storage import KEY, SECRET, ObjectStorage, objects_of
from tests.support.object_way import ObjectWay

pytestmark = [pytest.mark.integration, pytest.mark.long]

LATENCY_S = 0.02
#: what is refused, and why
IMPOSSIBLE = (
    ({"input_path": "s3://other/data"}, "outside the buckets"),
    ({"input_path": "s3://lab/private/val"}, "outside the buckets"),
    ({"input_path": "s3://lab/data/../private"}, "'..'"),
    ({"input_path": "s3://lab/data/none"}, "there is no object"),
    ({"input_path": "s3://user:word@lab/data"}, "credentials come from the environment"),
    ({"input_path": "gs://lab/data"}, "not supported"),
    ({"output_path": "s3://lab/data/raw/split"}, "lie in one another"),
    ({"output_path": "s3://lab/data/split"}, "already holds objects"),
)


@pytest.fixture(scope="module")
def storage():
    with ObjectStorage() as running:
        yield running


@pytest.fixture
def way(storage, monkeypatch):
    """The way to the storage that the service is told."""
    with ObjectWay(storage.url, latency_s=LATENCY_S) as way:
        for name, value in (storage.environment | {"AWS_ENDPOINT_URL": way.url}).items():
            monkeypatch.setenv(name, value)
        yield way


def ended(client, task):
    done = client.wait(task["task_id"], timeout=120)
    return done, [entry["message"] for entry in client.get_logs(task["task_id"])]


def folder_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def assert_no_credentials(written):
    """They are not in these bytes, and not in the command line of any process."""
    assert SECRET.encode() not in written and KEY.encode() not in written
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if SECRET in line]


def assert_impossible_requests_are_refused(client):
    for fields, reason in IMPOSSIBLE:
        request = {"input_path": "s3://lab/data/raw", "output_path": "s3://lab/data/new"} | fields
        with pytest.raises(ServiceError) as refused:
            client.split_dataset(**request)
        assert refused.value.status_code == (403 if "outside" in reason else 422), request
        assert reason in str(refused.value)
        assert "user:word" not in str(refused.value)


def test_a_data_set_in_a_bucket_from_split_to_predictions(
    way, storage, own_service, dataset, root, tmp_path, training
):
    storage.bucket("lab", objects_of(dataset / "train", "data/raw") | objects_of(dataset / "val", "private/val"))
    cache = tmp_path / "cache"
    _, client = own_service(data_roots=f"{root},s3://lab/data,s3://lab/results", cache_dir=cache)
    way.cuts_left, way.cut_suffix = 3, ".png"

    split, messages = ended(
        client, client.split_dataset("s3://lab/data/raw", "s3://lab/data/split", train_ratio=0.5)
    )
    assert split["status"] == "completed", messages
    assert way.cuts_left == 0
    assert split["result"]["output_path"] == "s3://lab/data/split"
    made = {key: value for key, value in storage.content("lab").items() if key.startswith("data/split/")}
    images = [key for key in made if key.endswith(".png")]
    assert len(images) == split["result"]["stats"]["total_images"] == 24
    mark = json.loads(made["data/split/.rfuav-run/run.json"])
    assert (mark["state"], mark["run_id"]) == ("complete", split["task_id"])
    assert_impossible_requests_are_refused(client)

    fields = training(train_path="s3://lab/data/split/train", val_path="s3://lab/data/split/valid")
    trained, messages = ended(client, client.start_training(**fields, copy_to="s3://lab/results"))
    assert trained["status"] == "completed", messages
    assert any("0 of them in the cache" in message for message in messages), messages
    results = f"results/{trained['task_id']}/"
    copied = {key[len(results) :] for key in storage.content("lab") if key.startswith(results)}
    assert copied >= {"best_model.pth", "model.yaml", "report.json", ".rfuav-run/run.json"}
    model = Path(trained["result"]["files"]["best_model"])
    assert storage.content("lab")[f"{results}best_model.pth"] == model.read_bytes()
    assert "s3://lab/data/split/train" in (model.parent / "report.json").read_text()
    # Each of two workers has links of its own to the same copies.
    fields = training(train_path=fields["train_path"], val_path=fields["val_path"], num_workers=2)
    pair, messages = ended(client, client.start_training(**fields))
    assert pair["status"] == "completed", messages
    assert any(message.startswith("2 workers train together") for message in messages)
    again, messages = ended(client, client.split_dataset("s3://lab/data/raw", root / "split", seed=7))
    assert again["status"] == "completed", messages
    assert "'s3://lab/data/raw': 24 objects, 24 of them in the cache." in messages
    note = json.loads((root / "split" / ".rfuav-run" / "run.json").read_text())
    assert note["request"]["input_path"] == "s3://lab/data/raw"

    predicted, messages = ended(
        client,
        client.start_inference(
            cfg_path=trained["result"]["files"]["config"],
            weight_path=str(model),
            source_path="s3://lab/data/split/valid",
            device="cpu",
            copy_to="s3://lab/results",
        ),
    )
    assert predicted["status"] == "completed", messages
    copied = storage.content("lab")[f"results/{predicted['task_id']}/predictions.json"]
    assert copied == Path(predicted["result"]["predictions_json"]).read_bytes()
    artifacts = httpx2.get(f"{client.base_url}/api/v2/tasks/{split['task_id']}/artifacts").json()
    assert artifacts == {"task_id": split["task_id"], "folder": "s3://lab/data/split", "artifacts": []}

    # Nothing tells the credentials, and nothing the folders of the cache.
    told = json.dumps([client.get_task(one["task_id"]) for one in (split, trained, predicted)])
    assert str(cache) not in told + str(messages)
    written = folder_bytes(tmp_path) + folder_bytes(root) + told.encode()
    written += b"".join(value for key, value in storage.content("lab").items() if key.startswith("results/"))
    assert_no_credentials(written)
    assert not list((cache / "trees").iterdir()) and not list((cache / "outputs").iterdir())
