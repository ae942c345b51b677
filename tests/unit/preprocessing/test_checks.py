"""What is refused at submission, with the field and the reason."""

import json
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from preprocessing.checks import check_preprocessing
from preprocessing.folders import request_identity
from rfuav_ray.api.requests import (
    DataAugmentationRequest,
    DatasetSplitRequest,
    ImageCropRequest,
    SpectrogramRequest,
)
from rfuav_ray.errors import InvalidInput, PathNotAllowed
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.writers import write_recording, write_sigmf

CLASSES = ("apart", "together")


@pytest.fixture
def root(tmp_path):
    """Pictures in <class>/, a data set, and recordings."""
    for part in ("pictures", "dataset/train", "dataset/valid"):
        for name in CLASSES:
            for number in range(2):
                path = tmp_path / part / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "recordings" / "drone").mkdir(parents=True)
    np.zeros(4096, np.complex64).tofile(tmp_path / "recordings" / "drone" / "a.iq")
    return tmp_path


@pytest.fixture
def check(root):
    return lambda request: check_preprocessing(request, roots=[root])


def split(**changes):
    return DatasetSplitRequest(**{"input_path": "pictures", "output_path": "out"} | changes)


def augment(**changes):
    return DataAugmentationRequest(**{"dataset_path": "dataset"} | changes)


def crop(**changes):
    fields = {"input_path": "pictures", "output_path": "out", "x": 0, "y": 0, "width": 5, "height": 5}
    return ImageCropRequest(**fields | changes)


def spectrogram(**changes):
    fields = {"input_path": "recordings", "output_path": "out", "sample_rate_hz": 1e6, "duration_s": 0.002}
    return SpectrogramRequest(**fields | changes)


def refusal(check, request, field):
    with pytest.raises(InvalidInput) as refused:
        check(request)
    assert refused.value.field == field
    return refused.value.reason


@pytest.mark.parametrize("request_of", [split, crop, spectrogram])
def test_checks_paths_become_absolute(check, root, request_of):
    checked = check(request_of())
    assert checked.output_path == str(root / "out")
    assert checked.input_path == str(root / request_of().input_path)
    assert not (root / "out").exists()


def test_checks_augmented_images_go_beside_the_data_set_by_default(check, root):
    assert check(augment()).output_path == str(root / "dataset_aug")
    assert check(augment(output_path="else")).output_path == str(root / "else")


@pytest.mark.parametrize("request_of", [split, crop, spectrogram, augment])
@pytest.mark.parametrize(("place", "word"), [("", "also the input"), ("/deep/er", "inside the input")])
def test_checks_output_in_the_input_is_refused(check, request_of, place, word):
    source = getattr(request_of(), "input_path", "dataset")
    assert word in refusal(check, request_of(output_path=f"{source}{place}"), "output_path")


@pytest.mark.parametrize("request_of", [split, crop, spectrogram, augment])
def test_checks_files_in_the_output_are_refused_and_named(check, root, request_of):
    (root / "mine").mkdir()
    check(request_of(output_path="mine"))
    (root / "mine" / "notes.txt").touch()
    assert "notes.txt" in refusal(check, request_of(output_path="mine"), "output_path")
    assert "is a file" in refusal(check, request_of(output_path="mine/notes.txt"), "output_path")


def test_checks_an_unfinished_output_of_the_same_request_is_gone_on_with(check, root):
    checked = check(split(task_id="one"))
    run: dict[str, Any] = {"state": "unfinished", "run_id": "one", "request": request_identity(checked)}
    run |= {"plan": "", "is_new": True, "result": None}
    (root / "out" / ".rfuav-run").mkdir(parents=True)
    (root / "out" / ".rfuav-run" / "run.json").write_text(json.dumps(run))
    (root / "out" / "train").mkdir()
    check(split(task_id="two", description="again"))
    refusal(check, split(seed=1), "output_path")
    for field, request in (
        ("input_path", split(input_path="out", output_path="parts")),
        ("input_path", crop(input_path="out/train", output_path="parts")),
        ("dataset_path", augment(dataset_path="out")),
    ):
        assert "task one" in refusal(check, request, field)


@pytest.mark.parametrize("request_of", [split, crop, spectrogram, augment])
def test_checks_paths_outside_the_roots_and_missing_ones_are_refused(check, request_of):
    field = "dataset_path" if request_of is augment else "input_path"
    with pytest.raises(PathNotAllowed):
        check(request_of(**{field: "/etc"}))
    with pytest.raises(PathNotAllowed):
        check(request_of(output_path="/etc/out"))
    assert "missing" in refusal(check, request_of(**{field: "missing"}), field)


def test_checks_a_split_needs_classes_with_two_images(check, root):
    assert "class folder" in refusal(check, split(input_path="pictures/apart"), "input_path")
    (root / "single" / "a").mkdir(parents=True)
    assert "no image" in refusal(check, split(input_path="single"), "input_path")
    (root / "single" / "a" / "1.png").touch()
    (root / "single" / "a" / "loop.png").symlink_to("loop.png")
    (root / "single" / "a" / "gone.png").symlink_to("gone")
    assert "one image" in refusal(check, split(input_path="single"), "input_path")


@pytest.mark.parametrize(("train_ratio", "val_ratio"), [(0.8, 0.3), (0.7, 0.301), (0.9, 0.5)])
def test_checks_ratios_above_1_are_refused(train_ratio, val_ratio):
    with pytest.raises(ValidationError, match="cannot be above 1"):
        split(train_ratio=train_ratio, val_ratio=val_ratio)


@pytest.mark.parametrize(("train_ratio", "val_ratio"), [(0.8, 0.2), (0.7, 0.3), (0.9, 0.1)])
def test_checks_ratios_of_exactly_1_leave_no_test_set(train_ratio, val_ratio):
    assert split(train_ratio=train_ratio, val_ratio=val_ratio).val_ratio is None
    assert split(train_ratio=0.5, val_ratio=val_ratio).val_ratio == val_ratio


@pytest.mark.parametrize("part", ["train", "valid", "val"])
def test_checks_a_data_set_needs_a_part(check, root, part):
    assert "neither" in refusal(check, augment(dataset_path="pictures"), "dataset_path")
    (root / "dataset" / "train").rename(root / "pictures" / part)
    assert check(augment(dataset_path="pictures"))


def test_checks_an_unknown_method_is_refused_naming_the_six():
    with pytest.raises(ValidationError, match=r"AdvancedBlur.*CLAHE.*ColorJitter.*GaussNoise.*ISONoise.*Sharpen"):
        augment(methods=["Flip"])
    assert len(augment(methods=[]).chosen_methods) == 6
    assert augment(methods=["CLAHE", "CLAHE"]).chosen_methods == ("CLAHE",)


def test_checks_what_is_no_image_or_has_none_is_not_cropped(check, root):
    (root / "notes.txt").touch()
    (root / "empty").mkdir()
    (root / "empty" / "loop").symlink_to(root / "empty", target_is_directory=True)
    assert "not an image" in refusal(check, crop(input_path="notes.txt"), "input_path")
    assert "no image" in refusal(check, crop(input_path="empty"), "input_path")


@pytest.mark.parametrize("request_of", [split, crop])
def test_checks_linked_folders_count_if_they_lead_into_the_roots(root, tmp_path_factory, request_of):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / "linked").mkdir()
    for name in CLASSES:
        (root / "pictures" / name).rename(elsewhere / name)
        (root / "linked" / name).symlink_to(elsewhere / name)
    request = request_of(input_path="linked")
    assert check_preprocessing(request, roots=[root, elsewhere])
    with pytest.raises(InvalidInput):
        check_preprocessing(request, roots=[root])


def test_checks_a_linked_part_counts_if_it_leads_into_the_roots(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / "dataset" / "train").rename(elsewhere / "train")
    (root / "set").mkdir()
    (root / "set" / "train").symlink_to(elsewhere / "train")
    assert check_preprocessing(augment(dataset_path="set"), roots=[root, elsewhere])
    with pytest.raises(InvalidInput, match="neither"):
        check_preprocessing(augment(dataset_path="set"), roots=[root])


def test_checks_recordings_that_cannot_be_drawn_are_refused(check, root):
    recording = root / "recordings" / "drone" / "a.iq"
    assert "reduce duration_s" in refusal(check, spectrogram(duration_s=1), "input_path")
    assert "no IQ recording" in refusal(check, spectrogram(input_path="pictures"), "input_path")
    assert "this is a PNG image, not samples" in refusal(
        check, spectrogram(input_path="pictures/apart/0.png"), "input_path"
    )
    recording.write_bytes(b"123")
    assert "a.iq" in refusal(check, spectrogram(), "input_path")
    recording.rename(recording.with_suffix(".bin"))
    assert "float32" in refusal(check, spectrogram(), "data_type")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"duration_s": 1e-6}, "duration_s"),
        ({"db_range": (0, -10)}, "db_range"),
        ({"style": "peak", "image_size": None, "duration_s": 3600}, "image_size"),
    ],
)
def test_checks_settings_that_contradict_each_other_are_refused(check, changes, field):
    assert refusal(check, spectrogram(**changes), field)


def interferer(path, rate_hz=20e6):
    samples = simulate("gfsk_fast_shuffle", duration_s=0.001, sample_rate_hz=20e6, snr_db=20, seed=1)
    write_sigmf(path, samples, sample_rate_hz=rate_hz, center_frequency_hz=2.4e9)


def copied(**changes):
    return spectrogram(**{"iq_copies": 2, "interferers_path": "others", "sample_rate_hz": 20e6, **changes})


@pytest.fixture
def drawable(root):
    """The recordings are long enough at 20 MS/s."""
    np.zeros(50_000, np.complex64).tofile(root / "recordings" / "drone" / "a.iq")


@pytest.mark.usefixtures("drawable")
def test_checks_interferers_at_the_same_rate_are_found(check, root):
    interferer(root / "others" / "deep" / "b.sigmf-meta", 10e6)
    interferer(root / "others" / "c.sigmf-meta")
    assert check(copied()).interferers_path == str(root / "others")


@pytest.mark.usefixtures("drawable")
def test_checks_interferers_that_cannot_be_added_are_refused(check, root):
    assert "there is no file or folder" in refusal(check, copied(), "interferers_path")
    (root / "others").mkdir()
    assert "no IQ recording" in refusal(check, copied(), "interferers_path")
    write_recording(root / "others" / "zeros.iq", np.zeros(5000, np.complex64))
    assert "nothing in it stands out" in refusal(check, copied(), "interferers_path")
    interferer(root / "others" / "b.sigmf-meta", 10e6)
    reason = refusal(check, copied(), "interferers_path")
    assert "10 MS/s" in reason and "20 MS/s" in reason


@pytest.mark.parametrize("place", ["recordings", "recordings/drone", "."])
@pytest.mark.usefixtures("drawable")
def test_checks_interferers_among_the_recordings_are_refused(check, place):
    assert "lie in one another" in refusal(check, copied(interferers_path=place), "interferers_path")


@pytest.mark.usefixtures("drawable")
def test_checks_interferers_outside_the_roots_are_refused(check):
    with pytest.raises(PathNotAllowed):
        check(copied(interferers_path="/etc"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"iq_copies": 3}, "iq_copies"),
        ({"iq_snr_db": (0, 10)}, "iq_copies"),
        ({"iq_copies": 3, "iq_snr_db": (10, 0)}, "iq_snr_db"),
    ],
)
def test_checks_iq_augmentation_that_contradicts_itself_is_refused(check, changes, field):
    assert refusal(check, spectrogram(**changes), field)


def test_checks_copies_count_as_spectrograms(check, root):
    np.zeros(10_100_000, np.complex64).tofile(root / "recordings" / "drone" / "a.iq")
    fields = {"duration_s": 0.001, "iq_gain_db": 3, "stft_points": 64, "image_size": 32}
    reason = refusal(check, spectrogram(**fields, iq_copies=100), "duration_s")
    assert "1,020,100 spectrograms" in reason
    check(spectrogram(**fields, iq_copies=1))
