import hashlib

import pytest
import torch
import yaml

from rfuav_ray.files import version_of
from rfuav_ray.inference.pictures import Pictures
from rfuav_ray.inference.prediction_log import work_digest
from rfuav_ray.models.config import Calibration, load_model_config
from tests.support.inference_runs import Run

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ["DJI A", "FRSKY-X9DP2019", "FRSKY-X20R", "FRSKY-X14", "ZZ"]


@pytest.fixture
def run(tmp_path):
    """A model that answers class 1, with a list of names that is not sorted."""
    run = Run(tmp_path, num_classes=5)
    with torch.no_grad():
        run.model.get_parameter("classifier.3.weight").zero_()
        run.model.get_parameter("classifier.3.bias").copy_(torch.tensor([0.0, 50.0, 0.0, 0.0, 0.0]))
    run.save_weights()
    change(run, class_names=NAMES)
    run.add_images("a.png", "b.png")
    return run


def change(run: Run, **values: object) -> None:
    path = run.folder / "model.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


def warnings(run: Run) -> list[str]:
    return [event.message for event in run.events if event.level == "WARNING"]


def test_class_order_a_list_that_is_not_sorted_is_used_with_a_warning(run):
    result = run.infer()
    assert result["classes"] == {"FRSKY-X9DP2019": 2}
    assert result["class_order"] == "config"
    [warning] = warnings(run)
    assert "class 1 is 'FRSKY-X9DP2019' in the config's list but 'FRSKY-X14' in sorted order" in warning
    assert "class_order: sorted uses the sorted order" in warning


def test_class_order_a_map_that_is_not_sorted_is_used_with_a_warning(run):
    change(run, class_names={name: index for index, name in enumerate(NAMES)})
    assert run.infer()["classes"] == {"FRSKY-X9DP2019": 2}
    assert len(warnings(run)) == 1


def test_class_order_sorted_names_the_classes_as_image_folder_does(run):
    result = run.infer(class_order="sorted")
    assert result["classes"] == {"FRSKY-X14": 2}
    assert result["class_order"] == "sorted"
    assert warnings(run) == []
    assert any("sorted order, as class_order says" in event.message for event in run.events)


@pytest.mark.parametrize("values", [{"class_names": sorted(NAMES)}, {"trained_by": "rfuav-ray"}])
def test_class_order_of_a_sorted_list_or_of_our_own_training_does_not_warn(run, values):
    change(run, **values)
    run.infer()
    assert warnings(run) == []


def test_class_order_doubtful_names_are_named(run):
    change(run, class_names=["a", "a", "b ", "c", "d"])
    run.infer()
    assert any("classes 0 and 1 have the same name: 'a'" in warning for warning in warnings(run))
    assert any("the name of class 2 begins or ends with a space" in warning for warning in warnings(run))


def test_class_order_is_part_of_the_work(run):
    config, weights = load_model_config(run.folder / "model.yaml"), run.folder / "weights.pth"
    assert work_digest(config, weights, Pictures([])) != work_digest(
        config.sorted_classes(), weights, Pictures([])
    )


def test_class_order_a_threshold_of_an_earlier_version_is_the_same_work(run):
    weights, digest = run.folder / "weights.pth", hashlib.sha256()
    config = load_model_config(run.folder / "model.yaml")
    digest.update(f"{config.model_dump_json()} {version_of(weights)[1:]}".encode() + bytes(weights) + b"\0")
    digest.update(b'{"temperature":2.0,"threshold":0.5}')  # as it was before scores had names
    calibrated = config.model_copy(update={"calibration": Calibration(temperature=2.0, threshold=0.5)})
    assert work_digest(calibrated, weights, Pictures([])) == digest.hexdigest()
    other = calibrated.model_copy(update={"calibration": Calibration(score="energy", threshold=0.5)})
    assert work_digest(other, weights, Pictures([])) != digest.hexdigest()


def test_class_order_what_is_doubtful_about_weights_is_in_the_log_of_each_task(run, tmp_path):
    torch.save(run.model.state_dict() | {"n_averaged": torch.tensor(3)}, tmp_path / "weights.pth")
    change(run, class_names=sorted(NAMES))
    for _ in range(2):  # the second one finds the model in memory
        run.events.clear()
        run.infer()
        assert "also holds n_averaged" in warnings(run)[0]
