"""The same weights as many programs save them. Each file is checked without torch, and loaded."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import RunEvent
from rfuav_ray.models.build import build_model, load_weights
from rfuav_ray.models.weights.check import check_weights
from tests.support.weight_files import saved

pytestmark = pytest.mark.usefixtures("one_thread")

NAME = "mobilenet_v3_small"
State = dict[str, torch.Tensor]


def prefixed(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(1)
    return build_model(NAME, 3).state_dict()


@pytest.fixture(scope="module")
def other() -> State:
    """Other weights of the same model, such as an average."""
    torch.manual_seed(2)
    return build_model(NAME, 3).state_dict()


def loaded(path: Path, *, num_classes: int | None = 3, name: str = NAME) -> tuple[nn.Module, str]:
    """Check and load a file. Returns the model and the warnings."""
    check_weights(path, model=name, num_classes=num_classes, image_size=224)
    model = build_model(name, 3)
    events: list[RunEvent] = []
    load_weights(model, path, strict_head=num_classes is not None, report=events.append)
    assert all(event.level == "WARNING" and str(path) in event.message for event in events)
    return model, " ".join(event.message for event in events)


def holds(model: nn.Module, state: State) -> bool:
    return all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def refusal(path: Path, *, num_classes: int | None = 3, name: str = NAME) -> str:
    """The reason, which is the same in the check and in the loading."""
    with pytest.raises(InvalidInput) as checked:
        check_weights(path, model=name, num_classes=num_classes, image_size=224)
    with pytest.raises(RunError) as caught:
        load_weights(build_model(name, 3), path, strict_head=num_classes is not None)
    assert str(caught.value) == checked.value.reason
    return checked.value.reason


PREFIXES = [
    "module.",
    "_orig_mod.",
    "_orig_mod.module.",
    "module._orig_mod.",
    "model.",
    "net.",
    "classifier.",
    "my_backbone.",
    "model._orig_mod.",
    "_orig_mod.model.module.",
    "a.b.c.d.",
    "_forward_module.module.model.",
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_state_dicts_a_prefix_is_taken_off(tmp_path, state, prefix):
    model, warnings = loaded(saved(tmp_path, prefixed(prefix, state)))
    assert holds(model, state)
    assert warnings == ""


@pytest.mark.parametrize("wrapper", ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"])
def test_state_dicts_wrappers_within_a_name_are_taken_out(tmp_path, state, wrapper):
    wrapped = {name.replace(".block.", f".{wrapper}.block."): tensor for name, tensor in state.items()}
    assert holds(loaded(saved(tmp_path, wrapped))[0], state)


KEYS = [
    "model",
    "state_dict",
    "model_state_dict",
    "net",
    "network",
    "weights",
    "params",
    "ema",
    "state_dict_ema",
    "model_ema",
]


@pytest.mark.parametrize("key", KEYS)
def test_state_dicts_a_checkpoint_has_it_under_a_key(tmp_path, state, key):
    checkpoint = {"epoch": 3, key: prefixed("model.", state), "optimizer": {"state": {0: torch.zeros(2)}}}
    assert holds(loaded(saved(tmp_path, checkpoint))[0], state)


def test_state_dicts_checkpoints_within_checkpoints(tmp_path, state):
    content = {"checkpoint": {"net": {"state_dict": prefixed("module.", state)}, "epoch": 1}}
    assert holds(loaded(saved(tmp_path, content))[0], state)


def test_state_dicts_under_other_keys_are_refused_with_the_keys(tmp_path, state):
    reason = refusal(saved(tmp_path, {"generator": state, "epoch": 3}))
    assert "holds no state dict of a model; its keys are 'generator', 'epoch'" in reason
    assert "Save the weights with torch.save(model.state_dict(), path)" in reason


@pytest.mark.parametrize("keys", [("state_dict_ema", "state_dict"), ("model", "model_ema"), ("ema", "net")])
def test_state_dicts_the_plain_model_wins_over_its_average(tmp_path, state, other, keys):
    plain = next(key for key in keys if "ema" not in key)
    path = saved(tmp_path, {key: state if key == plain else other for key in keys})
    model, warnings = loaded(path)
    assert holds(model, state)
    assert f"'{plain}' is used" in warnings


@pytest.mark.parametrize("first", ["plain", "average"])
def test_state_dicts_the_plain_model_wins_within_one_state_dict(tmp_path, state, other, first):
    plain, average = (
        prefixed("model.", state),
        prefixed("ema_model.module.", other) | {"ema_model.n_averaged": torch.tensor(7)},
    )
    content = plain | average if first == "plain" else average | plain
    model, warnings = loaded(saved(tmp_path, {"state_dict": content}))
    assert holds(model, state)
    assert "'state_dict.model' is used" in warnings


def test_state_dicts_lightnings_average_keeps_the_plain_weights_elsewhere(tmp_path, state, other):
    content = {"state_dict": prefixed("model.", other), "current_model_state": prefixed("model.", state)}
    model, warnings = loaded(saved(tmp_path, content))
    assert holds(model, state)
    assert "'current_model_state.model' is used" in warnings


@pytest.mark.parametrize(
    ("plain", "average"), [("online_model", "ema_model"), ("student", "teacher"), ("net", "net_swa")]
)
def test_state_dicts_the_plain_model_is_known_by_its_attribute(tmp_path, state, other, plain, average):
    model, warnings = loaded(saved(tmp_path, prefixed(f"{average}.", other) | prefixed(f"{plain}.", state)))
    assert holds(model, state)
    assert f"'{plain}' is used" in warnings


def test_state_dicts_a_copy_in_an_attribute_called_module(tmp_path, state, other):
    model, warnings = loaded(saved(tmp_path, state | prefixed("module.", other)))
    assert holds(model, state)
    assert "several sets" in warnings


def test_state_dicts_torchs_average_alone_is_loaded(tmp_path, state):
    model = build_model(NAME, 3)
    model.load_state_dict(state)
    average, warnings = loaded(saved(tmp_path, AveragedModel(model).state_dict()))
    assert holds(average, state)
    assert "also holds n_averaged" in warnings


def test_state_dicts_states_of_metrics_and_losses_are_ignored_and_named(tmp_path, state):
    extra = {
        "train_acc.tp": torch.zeros(3),
        "criterion.weight": torch.ones(3),
        "confusion.confmat": torch.zeros(3, 3),
    }
    for content in (prefixed("net.", state) | extra, state | extra):
        model, warnings = loaded(saved(tmp_path, content))
        assert holds(model, state)
        assert "train_acc.tp, criterion.weight, confusion.confmat" in warnings


def test_state_dicts_further_layers_are_refused_for_inference_and_named_at_the_start(tmp_path, state):
    extra = {"projector.0.weight": torch.zeros(8, 3), "projector.0.bias": torch.zeros(8)}
    path = saved(tmp_path, prefixed("model.", state) | extra)
    assert "2 unexpected (projector.0.weight, projector.0.bias)" in refusal(path)
    assert "projector.0.weight" in loaded(path, num_classes=None)[1]


def test_state_dicts_layers_beside_the_model_do_not_become_its_own(tmp_path, state):
    backbone = {name: tensor for name, tensor in state.items() if not name.startswith("classifier.")}
    heads = {name: tensor for name, tensor in state.items() if name.startswith("classifier.")}
    assert "classifier.0.weight" in refusal(saved(tmp_path, prefixed("model.", backbone) | heads))


def test_state_dicts_another_model_is_named_whatever_its_prefix(tmp_path):
    with torch.device("meta"):
        names = build_model("resnet18", 3).state_dict()
    path = saved(
        tmp_path, {"state_dict": {f"net.{name}": torch.zeros(tensor.shape) for name, tensor in names.items()}}
    )
    assert "holds weights of resnet18, but the model is mobilenet_v3_small" in refusal(path)
    assert "holds weights of resnet18, but the model is resnet34" in refusal(path, name="resnet34")


def test_state_dicts_what_does_not_fit_is_named_below_its_prefix(tmp_path, state):
    content: dict[str, Any] = prefixed("net.", state)
    del content["net.features.0.0.weight"]
    content["net.features.0.1.weight"] = torch.zeros(5)
    reason = refusal(saved(tmp_path, {"state_dict": content}))
    assert "1 missing (features.0.0.weight)" in reason
    assert "features.0.1.weight is (5,) instead of (16,)" in reason
    assert "below 'state_dict.net'" in reason


def test_state_dicts_another_number_of_classes_is_said_behind_a_prefix_too(tmp_path):
    state = build_model(NAME, 7).state_dict()
    assert "has 7 classes, but num_classes is 3" in refusal(saved(tmp_path, prefixed("model.", state)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("strict_head", [True, False])
def test_state_dicts_numbers_that_are_not_finite_are_refused(tmp_path, state, value, strict_head):
    broken = state["features.0.1.running_var"].clone()
    broken[3] = value
    path = saved(tmp_path, state | {"features.0.1.running_var": broken})
    with pytest.raises(
        RunError, match=r"weights\.pth holds NaN or infinite numbers in 1 of .*features\.0\.1\.running_var"
    ):
        load_weights(build_model(NAME, 3), path, strict_head=strict_head)


def test_state_dicts_integers_are_no_weights(tmp_path, state):
    path = saved(tmp_path, state | {"features.0.0.weight": state["features.0.0.weight"].to(torch.int8)})
    with pytest.raises(RunError, match=r"no floating-point numbers in 1 weights \(features\.0\.0\.weight\)"):
        load_weights(build_model(NAME, 3), path, strict_head=True)


def test_state_dicts_sparse_tensors_are_refused_alike(tmp_path, state):
    sparse = state["classifier.3.weight"].to_sparse()
    assert "classifier.3" in refusal(saved(tmp_path, state | {"classifier.3.weight": sparse}))
