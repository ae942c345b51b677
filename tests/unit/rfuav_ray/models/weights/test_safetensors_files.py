import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.models.build import build_model, load_weights
from rfuav_ray.models.weights.check import check_weights

NAME = "mobilenet_v3_small"


def check(path: Path) -> None:
    check_weights(path, model=NAME, num_classes=3, image_size=224)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return {f"model.{name}": tensor for name, tensor in build_model(NAME, 3).state_dict().items()}


def with_header(folder: Path, header: bytes, rest: bytes = b"", length: int | None = None) -> Path:
    path = folder / "w.safetensors"
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header + rest)
    return path


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_safetensors_files_load_like_others(tmp_path, state, name, dtype):
    content = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in state.items()}
    save_file(content, tmp_path / name, metadata={"format": "pt"})
    check(tmp_path / name)
    model = build_model(NAME, 3)
    assert load_weights(model, tmp_path / name, strict_head=True) == []
    assert torch.equal(model.get_parameter("classifier.3.weight"), content["model.classifier.3.weight"].float())


def test_safetensors_files_of_another_model_are_refused(tmp_path):
    save_file({"a": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(InvalidInput, match="fit no supported model"):
        check(tmp_path / "w.safetensors")


def test_safetensors_files_of_a_pickle_under_this_name_are_read_as_what_they_are(tmp_path, state):
    torch.save(state, tmp_path / "w.safetensors")
    check(tmp_path / "w.safetensors")
    assert load_weights(build_model(NAME, 3), tmp_path / "w.safetensors", strict_head=True) == []


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: with_header(folder, b'{"a":1}'),
        lambda folder: with_header(folder, b"{" * 1000),
        lambda folder: with_header(folder, b"{}", length=2**62),
        lambda folder: with_header(folder, b"{}", length=200),
        lambda folder: with_header(folder, json.dumps({"a": TENSOR}).encode(), bytes(4)),
        lambda folder: with_header(folder, json.dumps({"a": TENSOR}).encode(), bytes(800)),
        lambda folder: with_header(folder, json.dumps({"a": TENSOR | {"dtype": "X9"}}).encode(), bytes(8)),
        lambda folder: with_header(folder, json.dumps({"a": TENSOR | {"shape": [-2]}}).encode(), bytes(8)),
        lambda folder: with_header(
            folder, json.dumps({"a": TENSOR | {"data_offsets": [8, 0]}}).encode(), bytes(8)
        ),
        lambda folder: with_header(folder, json.dumps({"a": TENSOR | {"shape": [2**40]}}).encode(), bytes(8)),
        lambda folder: with_header(folder, b"not json"),
        lambda folder: with_header(folder, b""),
    ],
)
def test_safetensors_files_that_are_damaged_are_refused_in_plain_words(tmp_path, damage):
    path = damage(tmp_path)
    with pytest.raises(InvalidInput) as checked:
        check(path)
    assert f"{path} is a damaged safetensors file" in checked.value.reason
    with pytest.raises(RunError) as caught:
        load_weights(build_model(NAME, 3), path, strict_head=True)
    assert str(caught.value) == checked.value.reason


def test_safetensors_files_that_are_cut_off_are_refused(tmp_path, state):
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InvalidInput, match="damaged safetensors file, or it is cut off"):
        check(path)


def test_safetensors_files_with_nan_are_refused(tmp_path, state):
    save_file({key: tensor.double() * float("nan") for key, tensor in state.items()}, tmp_path / "w.safetensors")
    with pytest.raises(RunError, match="holds NaN or infinite numbers"):
        load_weights(build_model(NAME, 3), tmp_path / "w.safetensors", strict_head=True)
