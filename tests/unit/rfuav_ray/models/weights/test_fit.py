import pytest
import torch
from torch import nn
from torchvision.models import get_model

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.models import architectures
from rfuav_ray.models.architectures import POSITIONS
from rfuav_ray.models.build import build_model
from rfuav_ray.models.weights.fit import Shapes, identify, misfit, unused


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}


def built(name: str, num_classes: int = 5, image_size: int = 64) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes_of(build_model(name, num_classes, image_size=image_size))


def reason(shapes: Shapes, name: str, num_classes: int | None = 5) -> str:
    return str(misfit(shapes, model=name, num_classes=num_classes, image_size=64))


@pytest.mark.parametrize("name", SUPPORTED_MODELS)
def test_fit_the_models_that_are_built_fit(name):
    shapes = built(name)
    assert identify(shapes) == name
    assert misfit(shapes, model=name, num_classes=5, image_size=64) is None


def test_fit_weights_of_no_supported_model_are_refused():
    unknown = {"layer.weight": (3, 3)}
    assert identify(unknown) is None
    assert "no supported model" in str(misfit(unknown, model="resnet18", num_classes=None, image_size=64))


@pytest.mark.parametrize("name", ["resnet18", "vit_b_32", "swin_v2_t", "mobilenet_v3_small"])
def test_fit_another_number_of_classes_matters_to_inference_only(name):
    shapes = built(name, num_classes=37)
    reason = misfit(shapes, model=name, num_classes=5, image_size=64)
    assert reason is not None
    assert "37 classes" in reason
    assert "num_classes is 5" in reason
    assert misfit(shapes, model=name, num_classes=None, image_size=64) is None


def test_fit_torchvisions_own_mobilenet_head_is_refused_for_inference():
    with torch.device("meta"):
        shapes = shapes_of(get_model("mobilenet_v3_small", weights=None, num_classes=5))
    reason = misfit(shapes, model="mobilenet_v3_small", num_classes=5, image_size=64)
    assert "classifier.0.weight (1024, 576)" in str(reason)
    assert misfit(shapes, model="mobilenet_v3_small", num_classes=None, image_size=64) is None


def test_fit_a_backbone_without_head_is_refused_for_inference():
    shapes = {key: shape for key, shape in built("resnet18").items() if not architectures.in_head(key)}
    assert "none" in str(misfit(shapes, model="resnet18", num_classes=5, image_size=64))


def test_fit_another_image_size_matters_to_a_vit_only():
    assert "image_size" in str(misfit(built("vit_b_16"), model="vit_b_16", num_classes=5, image_size=96))
    assert misfit(built("vit_b_16"), model="vit_b_16", num_classes=None, image_size=96) is None
    assert misfit(built("swin_v2_t"), model="swin_v2_t", num_classes=5, image_size=96) is None


def test_fit_weights_from_before_batches_were_counted_are_the_same_model():
    shapes = {key: shape for key, shape in built("resnet18").items() if not key.endswith("num_batches_tracked")}
    assert misfit(shapes, model="resnet18", num_classes=5, image_size=64) is None


def test_fit_what_is_missing_unexpected_and_resized_is_named_and_counted():
    shapes = built("resnet18")
    for index in range(7):
        shapes[f"layer1.{index + 2}.conv1.weight"] = (64, 64, 3, 3)
    del shapes["bn1.weight"]
    shapes["conv1.weight"] = (64, 1, 7, 7)
    assert reason(shapes, "resnet18") == (
        "does not fit resnet18: 1 missing (bn1.weight); 7 unexpected (layer1.2.conv1.weight, "
        "layer1.3.conv1.weight, layer1.4.conv1.weight, layer1.5.conv1.weight, layer1.6.conv1.weight and 2 more); "
        "1 of another shape (conv1.weight is (64, 1, 7, 7) instead of (64, 3, 7, 7))."
    )


@pytest.mark.parametrize("num_classes", [5, None])
def test_fit_a_larger_model_with_all_parts_of_a_smaller_one_does_not_fit_it(num_classes):
    assert "unexpected (layer1.2.conv1.weight" in reason(built("resnet34"), "resnet18", num_classes)


@pytest.mark.parametrize(
    "extra",
    [
        {"n_averaged": ()},
        {"criterion.weight": (5,), "loss.pos_weight": (5,), "log_sigma": (1,)},
        {"train_acc.tp": (5,), "val_confusion.confmat": (5, 5), "center_loss.centers": (5, 512)},
        {"total_ops": (1,), "features.3.block.0.0.total_params": (1,)},
    ],
)
def test_fit_what_no_model_computes_with_is_ignored_and_named(extra):
    shapes = built("mobilenet_v3_small")
    assert unused(shapes, "mobilenet_v3_small") == []
    assert misfit(shapes | extra, model="mobilenet_v3_small", num_classes=5, image_size=64) is None
    assert sorted(unused(shapes | extra, "mobilenet_v3_small")) == sorted(extra)


@pytest.mark.parametrize(
    "extra", [{"attention.conv.weight": (1, 2, 7, 7)}, {"norm.weight": (64,), "norm.bias": (64,)}]
)
def test_fit_another_layer_beside_the_model_matters_to_inference_only(extra):
    shapes = built("resnet18")
    assert next(iter(extra)).split(".")[0] in reason(shapes | extra, "resnet18")
    assert misfit(shapes | extra, model="resnet18", num_classes=None, image_size=64) is None
    assert misfit(shapes, model="resnet18", num_classes=5, image_size=64, beside=extra) is not None
    assert misfit(shapes, model="resnet18", num_classes=None, image_size=64, beside=extra) is None


@pytest.mark.parametrize("shape", [(1, 4, 768), (2, 5, 768), (1, 5, 512), (5, 768), (1, 1, 768), ()])
def test_fit_positions_of_no_square_are_refused_at_the_start_too(shape):
    assert POSITIONS in reason(built("vit_b_32") | {POSITIONS: shape}, "vit_b_32", None)


def test_fit_a_vit_without_positions_is_refused_at_the_start_too():
    shapes = built("vit_b_32")
    del shapes[POSITIONS]
    assert f"1 missing ({POSITIONS})" in reason(shapes, "vit_b_32", None)
