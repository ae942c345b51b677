"""YAML that others wrote: what is small as a file stays small."""

import pytest
import yaml

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.images.dataset_card import stft_settings
from rfuav_ray.models.config import load_model_config
from rfuav_ray.yaml_files import MAX_DEPTH, check_plain, load_plain

#: written out, the last line has 10 ** 9 letters
BOMB = "\n".join(
    ["stft:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
)
MODEL = "model: resnet18\nnum_classes: 2\nclass_names: [a, b]\n"


def test_yaml_files_plain_data_is_read():
    assert load_plain("a: [1, {b: '*c &d'}]\ne: f*g") == {"a": [1, {"b": "*c &d"}], "e": "f*g"}


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x", "&x [*x]", "a: &x {y: 1}\nb: {<<: *x}", BOMB])
def test_yaml_files_aliases_are_refused_with_their_place(text):
    with pytest.raises(yaml.YAMLError, match=r"(?s)the alias .\*.*line"):
        load_plain(text)


def test_yaml_files_only_what_is_read_may_hold_no_alias():
    text = "read: [1]\nother: &x [1]\nmore: {deep: [*x]}\n"
    check_plain(text, {"read"})
    for key in ("other: &x [1]\nread: *x", "read: {a: &x 1, b: [*x]}", "k: &k read\nv: &v [1]\n*k : [*v, *v]"):
        with pytest.raises(yaml.YAMLError, match="alias"):
            check_plain(key, {"read"})


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
def test_yaml_files_deep_nesting_is_refused(levels):
    with pytest.raises(yaml.YAMLError, match="nested"):
        load_plain("[" * levels + "]" * levels)


def test_yaml_files_a_bomb_is_refused_wherever_a_lab_may_have_put_it(tmp_path):
    config = tmp_path / "model.yaml"
    config.write_text(MODEL + BOMB)
    with pytest.raises(InvalidInput, match=r"cfg_path: .*the alias '\*a0'"):
        load_model_config(config)
    (tmp_path / "dataset.yaml").write_text(BOMB)
    with pytest.raises(RunError, match=r"dataset\.yaml.*the alias '\*a0'"):
        stft_settings(tmp_path)
