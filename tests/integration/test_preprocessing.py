"""Split, augment, crop and spectrograms through the real service."""

import json
import os
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
import yaml

from preprocessing import augment
from preprocessing.pipeline.driver import Workers
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests import DataAugmentationRequest
from rfuav_ray.client import ServiceError
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.writers import write_recording, write_sigmf
from tests.support.typed_dicts import assert_is

#: of two spectrograms in a scene of `write_scene`
SMALL_SPECTROGRAMS = {"sample_rate_hz": 20e6, "stft_points": 128, "duration_s": 0.002, "image_size": 48}


@pytest.fixture
def folder(root, request):
    """A folder of the test's own, under the service's root."""
    path = root / request.node.name.replace("[", "-").rstrip("]")
    path.mkdir()
    return path


def end_of(client, task):
    """What came of a preprocessing task: its answer with the stats, and its messages."""
    ended = client.wait(task["task_id"], timeout=120)
    if ended["status"] == "completed":
        assert_is(KINDS[ended["task_type"]].result, ended["result"])
    messages = [entry["message"] for entry in client.get_logs(task["task_id"])]
    return client.get_preprocessing(task["task_id"]), messages


def write_scene(path, emitter, **options):
    write_recording(path, simulate(emitter, duration_s=0.004, sample_rate_hz=20e6, **options))


def contents(path):
    files = (file for file in path.rglob("*") if file.is_file() and ".rfuav-run" not in file.parts)
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_split_is_disjoint_complete_and_the_same_for_a_seed(client, dataset, folder):
    fields = {"train_ratio": 0.5, "val_ratio": 0.25}
    ended, messages = end_of(client, client.split_dataset(dataset / "train", folder / "one", **fields))
    assert ended["status"] == "completed", messages
    assert ended["task_type"] == "split"
    assert ended["stats"] == {
        "total_images": 24,
        "train_images": 12,
        "val_images": 6,
        "test_images": 6,
        "classes": ["horizontal", "vertical"],
        "failed": 0,
    }
    parts = {part: contents(folder / "one" / part) for part in ("train", "valid", "test")}
    assert sum(map(len, parts.values())) == 24
    assert {name: content for part in parts.values() for name, content in part.items()} == contents(
        dataset / "train"
    )
    end_of(client, client.split_dataset(dataset / "train", folder / "two", **fields))
    assert contents(folder / "two") == contents(folder / "one")
    end_of(client, client.split_dataset(dataset / "train", folder / "three", seed=1, **fields))
    assert contents(folder / "three") != contents(folder / "one")


def test_augment_makes_the_same_files_at_any_parallelism(client, dataset, folder):
    task = client.augment_dataset(dataset, output_path=folder / "out")
    ended, messages = end_of(client, task)
    assert ended["status"] == "completed", messages
    assert ended["stats"]["original_images"] == 34 and ended["stats"]["augmented_images"] == 34 * 6
    assert ended["stats"]["methods_used"] == 6 and ended["stats"]["failed"] == 0
    made = contents(folder / "out")
    assert len(made) == 34 * 7
    for name, content in contents(dataset).items():
        assert made[name.replace(".png", "_origin.png")] == content
    request = DataAugmentationRequest(dataset_path=str(dataset), output_path=str(folder / "alone"))
    result = augment.run(request, run_id="alone", workers=Workers(count=1, cpus_each=0.1))
    assert result["stats"] == ended["stats"]
    assert contents(folder / "alone") == made


def test_split_and_augment_take_nested_and_linked_images_and_keep_dataset_yaml(client, folder):
    rng = np.random.default_rng(0)
    for name in ("a/0.png", "a/session2/0.tif", "a/session2/1.webp", "b/0.png", "b/1.png"):
        (folder / "store" / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / "store" / name), rng.integers(0, 255, (16, 16, 3), dtype=np.uint8))
    (folder / "store" / "a" / "r1.iq").touch()
    (folder / "in").mkdir()
    for name in ("a", "b"):
        (folder / "in" / name).symlink_to(folder / "store" / name)
    (folder / "in" / "etc").symlink_to("/etc")
    (folder / "in" / "dataset.yaml").write_text("stft: {stft_points: 7}\n")
    ended, messages = end_of(client, client.split_dataset(folder / "in", folder / "parts", train_ratio=0.5))
    assert ended["status"] == "completed" and ended["stats"]["total_images"] == 5, messages
    assert client.get_task(ended["task_id"])["result"]["left_out"] == {"other_suffix": 1, "outside_roots": 1}
    (warning,) = (message for message in messages if "not used" in message)
    assert "r1.iq" in warning and "etc" in warning
    made = contents(folder / "parts")
    assert {name.partition("/")[2] for name in made} - {""} == {
        *("a/0.png", "a/session2/0.tif", "a/session2/1.webp", "b/0.png", "b/1.png")
    }
    (folder / "parts" / "dataset.yaml").rename(folder / "parts" / "train" / "dataset.yaml")
    task = client.augment_dataset(folder / "parts", output_path=folder / "more", methods=["CLAHE"])
    ended, messages = end_of(client, task)
    assert ended["status"] == "completed" and ended["stats"]["augmented_images"] == 5, messages
    assert contents(folder / "more")["train/dataset.yaml"] == b"stft: {stft_points: 7}\n"


def test_crop_counts_and_names_unreadable_images(client, folder):
    (folder / "in" / "deep er").mkdir(parents=True)
    assert cv2.imwrite(str(folder / "in" / "deep er" / "无人机.png"), np.zeros((20, 20), np.uint16))
    (folder / "in" / "two\nlines.png").write_bytes(b"no image")
    (folder / "in" / "empty.jpg").touch()
    (folder / "in" / os.fsdecode(b"latin\xff.jpg")).touch()
    (folder / "in" / f"{'长' * 80}.jpg").touch()
    (folder / "in" / "loop").symlink_to(folder / "in", target_is_directory=True)
    ended, messages = end_of(
        client, client.crop_images(folder / "in", folder / "out", x=2, y=3, width=100, height=4)
    )
    assert ended["status"] == "completed" and ended["stats"] == {"total_images": 5, "success": 1, "failed": 4}
    assert sum("is skipped" in message for message in messages) == 4
    assert any("empty.jpg" in message for message in messages)
    assert set(contents(folder / "out")) == {"deep er/无人机.png"}
    result = client.get_task(ended["task_id"])["result"]
    assert {failure["file"] for failure in result["failures"]} >= {
        "empty.jpg",
        "two\nlines.png",
        r"latin\udcff.jpg",
    }


def test_crop_without_a_readable_image_fails_and_leaves_nothing(client, folder):
    (folder / "in").mkdir()
    (folder / "in" / "bad.png").write_bytes(b"no image")
    ended, _ = end_of(client, client.crop_images(folder / "in", folder / "out", x=0, y=0, width=1, height=1))
    assert ended["status"] == "failed" and "bad.png" in ended["message"]
    assert ended["stats"] is None and not (folder / "out").exists()


def test_spectrogram_warns_of_odd_metadata_in_the_log_and_the_log_file(client, folder, log_file):
    path = folder / "odd.sigmf-meta"
    write_sigmf(
        path,
        simulate(emitter="gfsk_fast_shuffle", duration_s=0.02, sample_rate_hz=20e6, snr_db=20, seed=1),
        sample_rate_hz=20e6,
        center_frequency_hz=2.4e9,
    )
    metadata = json.loads(path.read_text())
    metadata["global"]["core:sha512"] = "0" * 128
    path.write_text(json.dumps(metadata))
    task = client.make_spectrograms(path, folder / "images", duration_s=0.01, image_size=64)
    ended = client.wait(task["task_id"], timeout=60)
    assert ended["status"] == "completed"
    warnings = [e["message"] for e in client.get_logs(task["task_id"]) if e["level"] == "WARNING"]
    assert len(warnings) == 1 and "'odd.sigmf-meta'" in warnings[0] and "core:sha512" in warnings[0]
    assert ended["warnings"] == ended["result"]["warnings"] == 1
    assert f"task {task['task_id']}: {warnings[0]}" in log_file.read_text()


def test_log_file_has_the_traceback_of_a_failed_run(client, inference, folder, log_file):
    """The weights are damaged after they were checked, while the task waits."""
    weights = folder / "weights.pth"
    weights.write_bytes(Path(inference()["weight_path"]).read_bytes())
    client.update_resource_config(max_concurrent={"cpu": {"inference": 0}})
    task = client.start_inference(**inference(weight_path=str(weights), save_path=str(folder / "out")))
    weights.write_bytes(b"damaged")
    client.update_resource_config(max_concurrent={"cpu": {"inference": 4}})
    assert client.wait(task["task_id"], timeout=60)["status"] == "failed"
    text = log_file.read_text().partition(f"the run of task {task['task_id']} failed:")[2]
    assert text.startswith("\nTraceback (most recent call last):") and "weights.pth" in text


def test_spectrogram_settings_reach_the_model(client, folder, training):
    for seed in range(4):
        for emitter in ("ofdm_5mhz_video", "gfsk_slow_sweep"):
            write_scene(folder / "in" / emitter / f"{seed}.iq", emitter, snr_db=20, seed=seed)
    (folder / "in" / "gfsk_slow_sweep" / "short.iq").write_bytes(bytes(800))
    task = client.make_spectrograms(
        folder / "in",
        folder / "pictures",
        **SMALL_SPECTROGRAMS,
        overlap=0.5,
        center_frequency_hz=2.44e9,
    )
    ended, messages = end_of(client, task)
    assert ended["status"] == "completed", messages
    assert ended["stats"] == {
        "recordings": 8,
        "pictures": 24,
        "failed": 1,
        "classes": ["gfsk_slow_sweep", "ofdm_5mhz_video"],
    }
    assert any("short.iq" in message and "is skipped" in message for message in messages)
    described = yaml.safe_load((folder / "pictures" / "dataset.yaml").read_text())
    assert described["stft"]["stft_points"] == 128 and described["stft"]["overlap"] == 0.5
    first = described["recordings"][0]
    assert first["recording"] == "gfsk_slow_sweep/0.iq" and first["count"] == 3
    assert first["seconds_between_pictures"] == 0.001 and first["center_frequency_hz"] == 2.44e9
    split = client.split_dataset(folder / "pictures", folder / "parts", group_by_recording=True)
    assert end_of(client, split)[0]["status"] == "completed"
    fields = training(train_path=str(folder / "parts" / "train"), val_path=str(folder / "parts" / "valid"))
    trained = client.wait(client.start_training(**fields)["task_id"], timeout=120)
    assert trained["status"] == "completed", trained
    config = yaml.safe_load(Path(trained["result"]["files"]["config"]).read_text())
    assert config["stft"] == described["stft"]


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("split", {"input_path": "dataset/train", "output_path": "dataset/train/out"}, "output_path"),
        ("split", {"input_path": "dataset/train", "output_path": "x", "train_ratio": 0.95}, "train_ratio"),
        ("augment", {"dataset_path": "dataset", "methods": ["Flip"]}, "methods.0"),
        ("crop", {"input_path": "dataset", "output_path": "x", "x": -1, "y": 0, "width": 1, "height": 1}, "x"),
        ("spectrogram", {"input_path": "dataset", "output_path": "x"}, "input_path"),
        ("spectrogram", {"input_path": "dataset", "output_path": "x", "db_range": [1, 0]}, "db_range"),
    ],
)
def test_preprocessing_with_bad_input_is_refused(client, service, dataset, route, body, field):
    before = client.get_all_tasks()["total_preprocessing"]
    answer = httpx2.post(f"{service}/api/v2/preprocessing/{route}", json=body, timeout=30)
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert client.get_all_tasks()["total_preprocessing"] == before


def test_task_list_keeps_kinds_apart(client, dataset, folder):
    task = client.crop_images(
        dataset / "val", folder / "out", x=0, y=0, width=4, height=4, description="corners", task_id="my-crop"
    )
    end_of(client, task)
    listed = client.get_all_tasks(task_type="crop")
    assert "my-crop" in [one["task_id"] for one in listed["preprocessing_tasks"]]
    assert listed["training_tasks"] == []
    with pytest.raises(ServiceError) as refused:
        client.stop_training("my-crop")
    assert refused.value.status_code == 404
    with pytest.raises(ServiceError) as refused:
        client.crop_images(dataset / "val", folder / "more", x=0, y=0, width=4, height=4, task_id="my-crop")
    assert refused.value.status_code == 409


def test_spectrograms_of_changed_copies_are_drawn_beside_the_others(client, folder):
    for name, emitter in (("in/a", "ofdm_5mhz_video"), ("others/b", "gfsk_slow_sweep")):
        write_scene(folder / f"{name}.iq", emitter, snr_db=30, seed=1, interference=False)
    task = client.make_spectrograms(
        folder / "in",
        folder / "pictures",
        **SMALL_SPECTROGRAMS,
        iq_copies=2,
        iq_snr_db=[0, 10],
        interferers_path=str(folder / "others"),
    )
    ended, messages = end_of(client, task)
    assert ended["status"] == "completed", messages
    assert ended["stats"]["pictures"] == 6
    assert any("2 changed copies" in message for message in messages)
    names = sorted(path.name for path in (folder / "pictures").glob("*.png"))
    assert names == [f"a_{number:05}{end}.png" for number in range(2) for end in ("", "_iq1", "_iq2")]
