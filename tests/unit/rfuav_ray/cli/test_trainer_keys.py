"""The configs of other trainers, read by `rfuav train --config`."""

import pytest
import yaml

from rfuav_ray.cli.run_config import given_fields, training_request
from rfuav_ray.cli.trainer_keys import KEYS
from rfuav_ray.errors import RfuavError
from tests.support.run_configs import FULL, config

RFUAV = r"""
train: data/train  # training images
val: data/valid
save_path: out
model : vit_b_16
weights: None
batch_size: 32
image_size: (224, 224)
num_classes: 37
class_names: ['DJI FPV COMBO', 'FRSKY-X9DP2019', 'FRSKY-X14']
device: 'cuda'
num_epochs: 150
shuffle: True
lr: 0.00001
optimizer: None
"""


def test_trainer_keys_a_training_of_rfuav_is_understood(folder, capsys):
    fields = given_fields(training_request(config(folder, RFUAV), {}))
    assert fields == {
        "model": "vit_b_16",
        "num_classes": 37,
        "train_path": str(folder / "data" / "train"),
        "val_path": str(folder / "data" / "valid"),
        "save_path": str(folder / "out"),
        "batch_size": 32,
        "image_size": 224,
        "device": "cuda",
        "num_epochs": 150,
        "shuffle": True,
        "learning_rate": 0.00001,
    }
    warnings = capsys.readouterr().err
    assert "class_names is not used: the classes are the names of the class folders" in warnings
    assert "optimizer" not in warnings


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [(key, field, 7) for field, keys in KEYS.items() for key in keys if not field.endswith("_path")]
    + [(key, field, "p") for field, keys in KEYS.items() for key in keys if field.endswith("_path")],
)
def test_trainer_keys_each_other_name_of_a_field_is_understood(folder, key, field, value):
    others = {name: one for name, one in FULL.items() if name != field}
    value = 64 if field == "image_size" else value
    request = training_request(config(folder, others | {key: value}), {})
    assert getattr(request, field) == (str(folder / "p") if value == "p" else value)


def test_trainer_keys_flags_win_over_the_other_names_too(folder):
    assert (
        training_request(config(folder, FULL | {"lr": 1, "epochs": 3}), {"learning_rate": 0.5}).learning_rate
        == 0.5
    )


def test_trainer_keys_two_keys_of_one_field(folder):
    assert training_request(config(folder, yaml.safe_dump(FULL) + "lr: 1e-4\nlearning_rate: 0.0001\n"), {})
    with pytest.raises(RfuavError, match=r"lr and learning_rate both mean learning_rate.*0\.1 and 0\.2; keep one"):
        training_request(config(folder, yaml.safe_dump(FULL) + "lr: 0.1\nlearning_rate: 0.2\n"), {})
