"""An evaluation that cannot work is refused before it starts, with the field that is wrong."""

import shutil
import subprocess
import sys

import pytest

from rfuav_ray.api.preflight_evaluation import check_evaluation
from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.errors import InvalidInput
from rfuav_ray.objects.access import ObjectSettings, allow_objects
from tests.support.evaluation_runs import CLASSES, Evaluation, add_images, add_recording
from tests.support.object_storage import ObjectStorage, leading_to


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Evaluation(tmp_path_factory.mktemp("check"))
    for label in (0, 1):
        add_recording(made.data, "r", label, windows=1, snr_db=40, seed=1)
        add_recording(made.folder / "other", "r", label, windows=1, snr_db=40, seed=2)
        add_recording(made.folder / "ratios" / "-10dB", "r", label, windows=1, snr_db=-10, seed=2)
        add_images(made.folder / "pictures", "r", label, snr_db=40, seed=2)
    shutil.rmtree(made.folder / "pictures" / "recordings")
    (made.folder / "empty").mkdir()
    (made.folder / "bare" / CLASSES[0]).mkdir(parents=True)
    (made.folder / "trained").mkdir()
    (made.folder / "trained" / "best_model.pth").touch()
    (made.data / "unknown").mkdir()
    add_recording(made.data / "unknown", "u", 0, windows=1, snr_db=0, seed=3)
    text = (made.folder / "model.yaml").read_text()
    (made.folder / "plain.yaml").write_text(text[: text.index("stft:")])
    return made


@pytest.fixture
def check(made):
    def check(**fields):
        at = {
            name: str(made.folder / value) if name.endswith("_path") and "://" not in value else value
            for name, value in fields.items()
        }
        defaults = {"cfg_path": "model.yaml", "weight_path": "weights.pth", "data_path": "data"}
        paths = {name: str(made.folder / value) for name, value in defaults.items()}
        return check_evaluation(EvaluationRequest(**(paths | at)), roots=[made.folder])

    return check


SWEEP = {"from": 0, "to": 2}


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"data_path": "missing"}, "data_path", "missing"),
        ({"data_path": "empty"}, "data_path", "holds no class of the model"),
        ({"data_path": "bare"}, "data_path", "no recording in the class folders"),
        ({"data_path": "ratios", "layout": "class"}, "data_path", "it has the folders -10dB"),
        ({"data_path": "data", "layout": "snr"}, "data_path", "<snr>/<class>"),
        ({"data_path": "pictures", "snr_sweep": SWEEP}, "snr_sweep", "no IQ recordings"),
        ({"data_path": "ratios", "snr_sweep": SWEEP}, "snr_sweep", "have ratios already"),
        ({"cfg_path": "plain.yaml"}, "style", "does not say how its spectrograms were made"),
        ({"cfg_path": "weights.pth"}, "cfg_path", "not its weights"),
        ({"weight_path": "model.yaml"}, "weight_path", ""),
        ({"calibration_path": "empty"}, "calibration_path", "holds no class"),
        ({"calibration_path": "bare"}, "calibration_path", "no recording"),
        ({"calibration_path": "data"}, "calibration_path", "lie in one another"),
        ({"unknown_path": "empty"}, "unknown_path", "no image"),
        ({"unknown_path": "data"}, "unknown_path", "would not be unknown"),
        ({"unknown_path": f"data/{CLASSES[0]}"}, "unknown_path", "would not be unknown"),
        ({"calibration_path": "other", "unknown_path": "other"}, "unknown_path", "would not be unknown"),
        ({"save_path": "."}, "save_path", "holds the model"),
        ({"save_path": "trained"}, "save_path", "holds best_model.pth of another task (training)"),
        ({"save_path": "data/out"}, "save_path", "lies in data_path"),
        ({"calibration_path": "other", "save_path": "other"}, "save_path", "lies in calibration_path"),
    ],
)
def test_preflight_evaluation_refuses_and_names_the_field(check, fields, field, why):
    with pytest.raises(InvalidInput) as refusal:
        check(**fields)
    assert (refusal.value.field, why in refusal.value.reason) == (field, True), refusal.value


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"calibration_path": "data"}, "calibration_path"),
        ({"data_path": "empty"}, "data_path"),
    ],
)
def test_preflight_evaluation_looks_at_folders_when_something_else_is_in_a_bucket(check, tmp_path, fields, field):
    allow_objects(ObjectSettings(("s3://lab",), tmp_path, 1))
    try:
        with ObjectStorage() as storage, leading_to(storage.environment):
            storage.bucket("lab", {"unknown/u.png": b"x"})
            with pytest.raises(InvalidInput) as refusal:
                check(**fields, unknown_path="s3://lab/unknown")
    finally:
        allow_objects(ObjectSettings())
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"snr_sweep": SWEEP},
        {"data_path": "ratios"},
        {"data_path": "pictures", "cfg_path": "plain.yaml"},
        {"calibration_path": "other", "unknown_path": "data/unknown", "save_path": "out", "name": "first"},
    ],
)
def test_preflight_evaluation_what_can_be_scored_passes(made, check, fields):
    checked = check(**fields)
    assert checked.data_path == str((made.folder / fields.get("data_path", "data")).resolve())


def test_preflight_evaluation_needs_no_torch():
    code = "import sys, rfuav_ray.api.preflight_evaluation; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
