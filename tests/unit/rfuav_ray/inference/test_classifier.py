"""What is done to a model before it classifies, and in which format it computes."""

import numpy as np
import pytest
import torch
from torch import nn

from rfuav_ray.inference import classifier as module
from rfuav_ray.inference.classifier import Classifier, cast_weights, fold_batch_norms
from rfuav_ray.models import precision
from rfuav_ray.models.build import build_model, load_weights
from tests.support.inference_runs import Run

CPU = torch.device("cpu")


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path, model="resnet18")


@pytest.fixture
def a_cpu_with_bf16(monkeypatch):
    """Plays the fast instructions: without them the CPU computes the same, slowly."""
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda device: True)


def classifier_of(run, precision):
    return Classifier(run.config, run.folder / "weights.pth", CPU, precision, run.events.append)


def pictures(count=3):
    return list(np.random.default_rng(0).integers(0, 255, (count, 32, 32, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v3_small", "mobilenet_v3_large"])
def test_classifier_without_its_batch_norms_a_model_gives_the_same(name):
    torch.manual_seed(0)
    model = build_model(name, 4, image_size=64).eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.8, 1.2)
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected = model(images)
        fold_batch_norms(model)
        torch.testing.assert_close(model(images), expected, rtol=1e-3, atol=1e-4)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())


@pytest.mark.parametrize("name", ["vit_b_32", "swin_v2_t"])
def test_classifier_a_model_without_batch_norms_stays_as_it_is(name):
    model = build_model(name, 2, image_size=64).eval()
    before = [type(layer) for layer in model.modules()]
    fold_batch_norms(model)
    assert [type(layer) for layer in model.modules()] == before


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "vit_b_32", "swin_v2_t"])
def test_classifier_weights_that_are_cast_once_give_the_same_as_those_that_autocast_casts(name):
    torch.manual_seed(0)
    model = build_model(name, 3, image_size=64).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode(), precision.autocast(CPU, torch.bfloat16):
        expected = model(images)
        cast_weights(model, torch.bfloat16)
    assert {layer.weight.dtype for layer in model.modules() if isinstance(layer, nn.Linear)} == {torch.bfloat16}
    with torch.inference_mode(), precision.autocast(CPU, torch.bfloat16):
        assert torch.equal(model(images), expected)


@pytest.mark.parametrize("first", ["auto", "bf16"])
def test_classifier_weights_cast_for_one_task_are_float32_for_the_next(run, a_cpu_with_bf16, first):
    expected = classifier_of(run, "fp32").probabilities(pictures())
    before = classifier_of(run, first)
    before.probabilities(pictures())
    assert before.dtype is torch.bfloat16
    assert np.array_equal(classifier_of(run, "fp32").probabilities(pictures()), expected)


def test_classifier_auto_computes_in_bf16_where_that_changes_little(run, a_cpu_with_bf16):
    exact = classifier_of(run, "fp32").probabilities(pictures())
    auto = classifier_of(run, "auto")
    quick = auto.probabilities(pictures())
    assert auto.dtype is torch.bfloat16
    assert 0 < np.abs(quick - exact).max() <= module.BF16_TOLERANCE
    assert not run.events


def test_classifier_auto_goes_back_to_fp32_where_bf16_changes_much_and_says_so(run, a_cpu_with_bf16):
    with torch.no_grad():  # nearly equal classes, far from zero: the rounding of bfloat16 decides
        run.model.fc.weight.mul_(0.01)
        run.model.fc.bias.copy_(torch.linspace(300, 301, 7))
    run.save_weights()
    exact = classifier_of(run, "fp32").probabilities(pictures())
    auto = classifier_of(run, "auto")
    np.testing.assert_array_equal(auto.probabilities(pictures()), exact)
    assert auto.dtype is torch.float32
    assert [event.level for event in run.events] == ["WARNING"]
    assert "fp32" in run.events[0].message
    auto.probabilities(pictures())
    assert len(run.events) == 1


def test_classifier_bf16_that_was_asked_for_is_not_given_up(run, a_cpu_with_bf16):
    chosen = classifier_of(run, "bf16")
    chosen.probabilities(pictures())
    assert chosen.dtype is torch.bfloat16 and not run.events


@pytest.mark.parametrize(
    ("capabilities", "is_fast"),
    [
        ({"cpu_name": "AMD EPYC", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": True}, True),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": False}, False),
        ({"cpu_name": "AMD EPYC", "avx512_bf16": False, "amx_bf16": False}, False),
        ({"cpu_name": "", "avx512_bf16": True}, True),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_classifier_a_cpu_is_fast_with_bf16_by_its_matrix_unit_or_avx512_if_not_intels(capabilities, is_fast):
    assert precision.is_fast_cpu(capabilities) == is_fast


def test_classifier_bf16_that_is_not_fast_is_done_with_a_warning(run, monkeypatch):
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda device: False)
    assert classifier_of(run, "bf16").dtype is torch.bfloat16
    assert classifier_of(run, "auto").dtype is torch.float32
    assert [event.level for event in run.events] == ["WARNING"]


def test_classifier_the_same_weights_are_loaded_once_and_others_anew(run, monkeypatch):
    loaded = []

    def load(model, path, **options):
        loaded.append(path)
        return load_weights(model, path, **options)

    monkeypatch.setattr(module, "load_weights", load)
    first = classifier_of(run, "fp32")
    classifier_of(run, "fp32")
    assert len(loaded) == 1
    expected = first.probabilities(pictures())
    with torch.no_grad():
        run.model.fc.bias[0] += 1
    run.save_weights()
    assert not np.allclose(classifier_of(run, "fp32").probabilities(pictures()), expected)
