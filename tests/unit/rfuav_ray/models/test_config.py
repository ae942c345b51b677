from pathlib import Path

import pytest
from pydantic import ValidationError

from rfuav_ray.errors import InvalidInput
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.models.config import Calibration, ModelConfig, load_model_config, save_model_config

GOOD = "model: resnet18\nnum_classes: 1\nclass_names: [a]\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "model.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def reason_of(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        load_model_config(path)
    assert caught.value.field == "cfg_path"
    assert str(path) in caught.value.reason
    return caught.value.reason


def test_config_a_config_of_rfuav_with_a_list_of_classes(tmp_path):
    text = r"""
    train: E:\Drone_dataset\RFUAV\train  # 数据集路径
    val:
    save_path: E:\nowhere
    model : vit_l_16
    weights: None
    batch_size: 32
    image_size: 224
    num_classes: 3
    class_names: [
            'DAUTEL EVO nano',
            'DJI FPV COMBO',
            'YunZhuo-H30',
    ]
    device: 'cuda'
    optimizer: None
    """
    config = load_model_config(written(tmp_path, text))
    assert config.model == "vit_l_16"
    assert config.class_names == ("DAUTEL EVO nano", "DJI FPV COMBO", "YunZhuo-H30")
    assert config.image_size == 224
    assert config.normalization is None
    assert config.stft is None


def test_config_a_map_of_classes_is_put_in_the_order_of_its_indices(tmp_path):
    path = written(tmp_path, "model: resnet18\nnum_classes: 3\nclass_names: {b: 1, c: 2, a: 0}\n")
    assert load_model_config(path).class_names == ("a", "b", "c")


@pytest.mark.parametrize("form", ["[1, yes, 007, 1.50, null, 2024-01-01, ~]", None])
def test_config_class_names_stay_as_they_are_written(tmp_path, form):
    names = ("1", "yes", "007", "1.50", "null", "2024-01-01", "~")
    form = form or "{" + ", ".join(f"{name}: {index}" for index, name in enumerate(names)) + "}"
    path = written(tmp_path, f"model: resnet18\nnum_classes: 7\nclass_names: {form}\n")
    assert load_model_config(path).class_names == names


def test_config_other_keys_may_hold_anything(tmp_path):
    text = """
    model: resnet18
    num_classes: 1
    class_names: [drone]
    train: !!python/object/apply:os.system ["exit 1"]
    date: 2024-99-99
    5: [nested, {deep: &here [*here]}]
    [a, b]: 1
    """
    assert load_model_config(written(tmp_path, text)).num_classes == 1


def test_config_numbers_in_quotes_and_an_empty_normalization(tmp_path):
    text = "model: resnet18\nnum_classes: '2'\nclass_names: [a, b]\nimage_size: '64'\nnormalization:\nstft:\n"
    config = load_model_config(written(tmp_path, text))
    assert (config.num_classes, config.image_size, config.normalization) == (2, 64, None)


def test_config_saved_and_loaded_it_is_equal(tmp_path):
    config = ModelConfig(
        model="mobilenet_v3_large",
        num_classes=9,
        class_names=("1", "yes", "null", "无人机", "a: b", "- x", " spaces ", "line\nbreak", 'x" #'),
        image_size=96,
        normalization=IMAGENET,
        stft={"fft_points": 1024, "window": "hamming", "range_db": [-120.0, 3.5], "centred": True},
    )
    save_model_config(tmp_path / "new" / "model.yaml", config)
    assert load_model_config(tmp_path / "new" / "model.yaml") == config


@pytest.mark.parametrize("score", ["probability", "energy", "max_logit"])
def test_config_a_calibration_is_kept(tmp_path, score):
    threshold = 0.5 if score == "probability" else -12.25
    config = ModelConfig(
        model="resnet18",
        num_classes=1,
        class_names=("a",),
        calibration=Calibration(temperature=1.5, score=score, threshold=threshold),
    )
    save_model_config(tmp_path / "model.yaml", config)
    loaded = load_model_config(tmp_path / "model.yaml")
    assert loaded == config and (loaded.score, loaded.threshold) == (score, threshold)


def test_config_a_calibration_without_a_score_is_of_the_probability(tmp_path):
    config = load_model_config(written(tmp_path, f"{GOOD}calibration: {{temperature: 2, threshold: 0.5}}\n"))
    assert (config.temperature, config.score, config.threshold) == (2, "probability", 0.5)
    plain = load_model_config(written(tmp_path, GOOD))
    assert (plain.temperature, plain.score, plain.threshold) == (1, "probability", None)


def test_config_without_normalization_none_is_written(tmp_path):
    config = ModelConfig(model="resnet18", num_classes=1, class_names=("a",))
    save_model_config(tmp_path / "model.yaml", config)
    assert "normalization" not in (tmp_path / "model.yaml").read_text()
    assert load_model_config(tmp_path / "model.yaml") == config


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_config_files_with_a_byte_order_mark(tmp_path, encoding):
    text = "model: resnet18\nnum_classes: 1\nclass_names: [无人机]\n"
    assert load_model_config(written(tmp_path, text.encode(encoding))).class_names == ("无人机",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("- a\n- b\n", "not a mapping"),
        ("just text", "not a mapping"),
        ("model: [unclosed", "line 1"),
        ("model: resnet18\n--- \nmodel: resnet34\n", "document"),
        (b"\x80\x02PK\x00\x00\x01", "binary"),
        (b"model: resnet18\nnum_classes: \xff\xfe\xfd\n", "cannot be used"),
        ("a: " + "[" * 5000, "nested"),
        ("num_classes: 1\nclass_names: [a]\n", "model: Field required"),
        ("model: resnet18\nclass_names: [a]\n", "num_classes: Field required"),
        ("model: resnet18\nnum_classes: 1\n", "class_names: Field required"),
        ("model: resnet19\nnum_classes: 1\nclass_names: [a]\n", "'resnet19' is not one of resnet18"),
        ("model: {}\nnum_classes: 1\nclass_names: [a]\n", "model: "),
        ("model: resnet18\nnum_classes: many\nclass_names: [a]\n", "num_classes: "),
        ("model: resnet18\nnum_classes: 0\nclass_names: []\n", "num_classes: "),
        ("model: resnet18\nnum_classes: 2\nclass_names: [a]\n", "class_names holds 1 names"),
        ("model: resnet18\nnum_classes: 2\nclass_names: [a, '']\n", "class 1 in class_names is empty"),
        ("model: resnet18\nnum_classes: 2\nclass_names: [a, [b]]\n", "list of names"),
        ("model: resnet18\nnum_classes: 1\nclass_names: a\n", "list of names"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {a: 0, b: 2}\n", "0 to 1"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {a: 1, b: 2}\n", "0 to 1"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {a: 0, b: 0}\n", "0 to 1"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {a: 0, b: -1}\n", "needs its index"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {0: a, 1: b}\n", "needs its index"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {a: 0, b: [1]}\n", "needs its index"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {[a]: 0, b: 1}\n", "cannot be used"),
        ("model: resnet18\nnum_classes: 2\nclass_names: {a: 0, a: 1}\n", "the name a more than once"),
        (f"{GOOD}class_names: [b]\nmodel: resnet34\n", "the key model, class_names more than once"),
        (f"{GOOD}image_size: (224, 320)\n", "image_size: 224 × 320 is a rectangle"),
        (f"{GOOD}image_size: [64, 32]\n", "image_size: 64 × 32 is a rectangle"),
        (f"{GOOD}image_size: [64]\n", "image_size: "),
        (f"{GOOD}image_size: large\n", "(it is 'large')"),
        (f"{GOOD}image_size: 16\n", "image_size: "),
        (f"{GOOD}image_size: 1000000\n", "image_size: "),
        ("model: vit_b_16\nnum_classes: 1\nclass_names: [a]\nimage_size: 100\n", "multiple of 16"),
        (f"{GOOD}normalization: {{mean: [0, 0, 0], std: [1, 0, 1]}}\n", "normalization.std.1: "),
        (f"{GOOD}normalization: {{mean: [0, 0], std: [1, 1, 1]}}\n", "normalization.mean"),
        (f"{GOOD}normalization: {{mean: [.nan, 0, 0], std: [1, 1, 1]}}\n", "normalization.mean.0: "),
        (f"{GOOD}stft: 1024\n", "stft: "),
        (f"{GOOD}calibration: {{threshold: 1.5}}\n", "the threshold of a probability is 0 to 1"),
        (f"{GOOD}calibration: {{score: energy, threshold: .inf}}\n", "calibration.threshold: "),
        (f"{GOOD}calibration: {{score: entropy, threshold: 1}}\n", "calibration.score: "),
        (f"{GOOD}calibration: {{temperature: 0}}\n", "calibration.temperature: "),
        (f"{GOOD}stft: !!python/name:os.system\n", "python/name"),
    ],
)
def test_config_what_cannot_be_used_is_refused_with_the_reason(tmp_path, text, expected):
    reason = reason_of(written(tmp_path, text))
    assert expected in reason
    assert "\n" not in reason
    assert "Value error" not in reason
    assert "pydantic" not in reason


def test_config_all_that_is_wrong_is_said_at_once_by_its_keys(tmp_path):
    text = "model: resnet19\nnum_classes: 3\nclass_names: [a]\nimage_size: (1, 2)\nnormalization: 7\n"
    reason = reason_of(written(tmp_path, text))
    for key in ("model: 'resnet19'", "class_names: num_classes is 3", "image_size: 1 × 2", "normalization: "):
        assert key in reason


@pytest.mark.parametrize("form", ["(64, 64)", "[64, 64]", "(64,64,)", "64", "'64'", "64, 64", "\n- 64\n- 64"])
def test_config_image_sizes_as_programs_write_them(tmp_path, form):
    assert load_model_config(written(tmp_path, f"{GOOD}image_size: {form}\n")).image_size == 64


def test_config_a_key_that_nobody_reads_may_be_repeated(tmp_path):
    assert load_model_config(written(tmp_path, f"{GOOD}lr: 1\nlr: 2\n")).model == "resnet18"


def test_config_the_order_of_a_sorted_list_or_of_our_own_training_is_not_in_doubt(tmp_path):
    facts = {"model": "resnet18", "num_classes": 2, "image_size": 64}
    assert ModelConfig(class_names=("b", "a"), **facts).has_doubtful_order
    assert not ModelConfig(class_names=("B", "a"), **facts).has_doubtful_order
    own = ModelConfig(class_names=("b", "a"), trained_by="rfuav-ray", **facts)
    save_model_config(tmp_path / "model.yaml", own)
    assert not load_model_config(tmp_path / "model.yaml").has_doubtful_order
    # Checkpoints of earlier versions have the dumped config.
    assert "trained_by" not in own.model_dump()


def test_config_files_that_are_no_config_at_all(tmp_path):
    assert "No such file" in reason_of(tmp_path / "missing.yaml")
    assert "directory" in reason_of(tmp_path)
    huge = written(tmp_path, b"# " + b"x" * 1_000_000)
    assert "larger than 1 MB" in reason_of(huge)


def test_config_a_config_is_not_made_from_parts_that_disagree():
    with pytest.raises(ValidationError, match="num_classes is 3"):
        ModelConfig(model="resnet18", num_classes=3, class_names=("a", "b"))
