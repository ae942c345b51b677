import pickle
import re
import subprocess
import sys
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from rfuav_ray.errors import InvalidInput
from rfuav_ray.models.build import build_model
from rfuav_ray.models.weights.check import LegacyFormatError, check_weights, read_content, shape_of
from rfuav_ray.models.weights.state_dicts import state_dicts
from tests.support.weight_files import Touch, saved


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    _, tensors = next(state_dicts(read_content(path), shape_of))
    return {name: tensor.shape for name, tensor in tensors.items()}


def reason_of(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        check_weights(path, model="resnet18", num_classes=5, image_size=64)
    assert caught.value.field == "weight_path"
    assert str(path) in caught.value.reason
    return caught.value.reason


@pytest.fixture(scope="module")
def resnet18() -> nn.Module:
    return build_model("resnet18", 5, image_size=64)


def test_weights_shapes_are_those_of_the_tensors(tmp_path, resnet18):
    state = resnet18.state_dict()
    shapes = read_shapes(saved(tmp_path, state))
    assert shapes == {key: tuple(tensor.shape) for key, tensor in state.items()}
    assert shapes["fc.weight"] == (5, 512)
    assert shapes["bn1.num_batches_tracked"] == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_weights_every_dtype_and_kind_of_tensor(tmp_path, dtype):
    tensor = torch.zeros(3, 4).to(dtype)
    state = {"plain": tensor, "view": tensor[1:, ::2], "empty": torch.zeros(0, 7, dtype=dtype)}
    assert read_shapes(saved(tmp_path, state)) == {"plain": (3, 4), "view": (2, 2), "empty": (0, 7)}


def test_weights_parameters_count_as_tensors(tmp_path):
    assert read_shapes(saved(tmp_path, {"a": nn.Parameter(torch.zeros(2))})) == {"a": (2,)}


@pytest.mark.parametrize("key", ["model", "state_dict", "model_state_dict"])
def test_weights_a_checkpoint_around_the_state_dict(tmp_path, key):
    parameter = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.Adam([parameter])
    parameter.grad = torch.ones(2)
    optimizer.step()
    checkpoint = {
        "epoch": 3,
        "best": 0.5,
        "rng": torch.get_rng_state(),
        "optimizer": optimizer.state_dict(),
        "others": [
            {1, 2},
            Counter("ab"),
            torch.Size([1]),
            torch.float32,
            torch.device("cpu"),
            b"x",
            bytearray(b"y"),
        ],
        key: OrderedDict(weight=torch.zeros(2, 3)),
    }
    assert read_shapes(saved(tmp_path, checkpoint)) == {"weight": (2, 3)}


def test_weights_a_model_key_without_tensors_is_no_state_dict(tmp_path):
    checkpoint = {"model": {"name": "resnet18"}, "state_dict": {"weight": torch.zeros(1)}}
    assert read_shapes(saved(tmp_path, checkpoint)) == {"weight": (1,)}


def test_weights_a_file_of_old_torch_is_left_to_torch(tmp_path, resnet18):
    path = saved(tmp_path, resnet18.state_dict(), _use_new_zipfile_serialization=False)
    with pytest.raises(LegacyFormatError):
        read_shapes(path)
    check_weights(path, model="vit_b_16", num_classes=7, image_size=64)


def test_weights_code_in_the_pickle_is_refused_and_not_run(tmp_path):
    target = tmp_path / "ran"
    path = saved(tmp_path, {"a": torch.zeros(1), "trap": Touch(target)})
    assert "Python objects" in reason_of(path)
    assert not target.exists()


def test_weights_a_whole_pickled_model_is_refused_with_advice(tmp_path, resnet18):
    reason = reason_of(saved(tmp_path, resnet18))
    assert "torchvision.models.resnet.ResNet" in reason
    assert "state_dict()" in reason


@pytest.mark.parametrize("content", [nn.Linear(2, 2), [1, 2], 7, {}, {"epoch": 1}, {"model": nn.Linear(2, 2)}])
def test_weights_files_without_a_state_dict(tmp_path, content):
    assert "no state dict" in reason_of(saved(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b"x", b"not weights at all", b"PK\x03\x04", pickle.dumps({"a": 1})])
def test_weights_files_that_are_no_weights(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    assert "not a PyTorch weights file" in reason_of(path)


def test_weights_a_cut_off_file(tmp_path, resnet18):
    path = saved(tmp_path, resnet18.state_dict())
    path.write_bytes(path.read_bytes()[:100_000])
    assert "damaged" in reason_of(path)


@pytest.mark.parametrize(
    "pickled",
    [
        b"",
        b"\x80\x02}",
        b"\xff\xff",
        pickle.dumps({"a": 1})[:-3],
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x00K\x00X\x01\x00\x00\x00atR.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x00K\x00J\xff\xff\xff\xff\x85tR.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"(" * 100_000 + b"t" * 100_000 + b".",
    ],
)
def test_weights_a_damaged_pickle(tmp_path, pickled):
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", pickled)
    assert re.search("damaged|no state dict", reason_of(path))


def test_weights_a_state_dict_that_holds_itself_ends(tmp_path):
    loop: dict[str, object] = {"a": torch.zeros(1)}
    loop["model"] = loop
    assert read_shapes(saved(tmp_path, loop)) == {"a": (1,)}


def test_weights_a_zip_that_is_something_else(tmp_path):
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert "not a PyTorch weights file" in reason_of(path)


def test_weights_what_cannot_be_opened(tmp_path):
    assert "No such file" in reason_of(tmp_path / "missing.pth")
    assert "directory" in reason_of(tmp_path)


def test_weights_no_tensor_data_is_read(tmp_path, resnet18):
    path = saved(tmp_path, resnet18.state_dict())
    without_data = tmp_path / "without.pth"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(without_data, "w") as archive:
        archive.writestr("weights/data.pkl", whole.read("weights/data.pkl"))
    assert read_shapes(without_data) == read_shapes(path)


def test_weights_wrong_weights_are_refused_with_the_file_and_both_models(tmp_path, resnet18):
    path = saved(tmp_path, resnet18.state_dict())
    check_weights(path, model="resnet18", num_classes=5, image_size=64)
    check_weights(path, model="resnet18", num_classes=None, image_size=224)
    with pytest.raises(InvalidInput, match=r"weights\.pth holds weights of resnet18, but the model is resnet50"):
        check_weights(path, model="resnet50", num_classes=5, image_size=64)
    with pytest.raises(InvalidInput, match="5 classes, but num_classes is 6"):
        check_weights(path, model="resnet18", num_classes=6, image_size=64)


def test_weights_looking_into_weights_does_not_load_torch():
    code = "import rfuav_ray.models.weights.check, rfuav_ray.models.config, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
