import pytest
import torch
from torch import nn
from torchvision.models import get_model

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.errors import InvalidInput
from rfuav_ray.models import architectures
from rfuav_ray.models.architectures import ARCHITECTURES, Shapes, check_batch, check_image_size, identify, misfit
from rfuav_ray.models.build import build_model


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}


def built(name: str, num_classes: int = 5, image_size: int = 64) -> Shapes:
    with torch.device("meta"):
        return shapes_of(build_model(name, num_classes, image_size=image_size))


def test_architectures_every_supported_model_has_its_facts():
    assert tuple(ARCHITECTURES) == SUPPORTED_MODELS


@pytest.mark.parametrize("name", SUPPORTED_MODELS)
def test_architectures_the_facts_are_those_of_torchvision(name):
    with torch.device("meta"):
        shapes = shapes_of(get_model(name, weights=None))
    backbone = architectures.backbone(shapes)
    architecture = ARCHITECTURES[name]
    assert len(backbone) == architecture.entries
    assert sum(torch.Size(shape).numel() for shape in backbone.values()) == architecture.elements
    assert identify(shapes) == name
    normalizes_batches = any("running_mean" in key for key in shapes)
    assert architecture.batch_norm == normalizes_batches


@pytest.mark.parametrize("name", SUPPORTED_MODELS)
def test_architectures_the_facts_are_those_of_the_models_that_are_built(name):
    shapes = built(name)
    assert identify(shapes) == name
    head = {key: shape for key, shape in shapes.items() if architectures.in_head(key)}
    assert head == ARCHITECTURES[name].head_shapes(5)
    assert misfit(shapes, model=name, num_classes=5, image_size=64) is None


def test_architectures_another_model_is_named():
    reason = misfit(built("resnet50"), model="resnet18", num_classes=None, image_size=64)
    assert reason is not None
    assert "resnet50" in reason
    assert "the model is resnet18" in reason


def test_architectures_weights_of_no_supported_model_are_refused():
    unknown = {"layer.weight": (3, 3)}
    assert identify(unknown) is None
    assert "no supported model" in str(misfit(unknown, model="resnet18", num_classes=None, image_size=64))


@pytest.mark.parametrize("name", ["resnet18", "vit_b_32", "swin_v2_t", "mobilenet_v3_small"])
def test_architectures_another_number_of_classes_matters_to_inference_only(name):
    shapes = built(name, num_classes=37)
    reason = misfit(shapes, model=name, num_classes=5, image_size=64)
    assert reason is not None
    assert "37 classes" in reason
    assert "num_classes is 5" in reason
    assert misfit(shapes, model=name, num_classes=None, image_size=64) is None


def test_architectures_torchvisions_own_mobilenet_head_is_refused_for_inference():
    with torch.device("meta"):
        shapes = shapes_of(get_model("mobilenet_v3_small", weights=None, num_classes=5))
    reason = misfit(shapes, model="mobilenet_v3_small", num_classes=5, image_size=64)
    assert "classifier.0.weight (1024, 576)" in str(reason)
    assert misfit(shapes, model="mobilenet_v3_small", num_classes=None, image_size=64) is None


def test_architectures_a_backbone_without_head_is_refused_for_inference():
    shapes = {key: shape for key, shape in built("resnet18").items() if not architectures.in_head(key)}
    assert "none" in str(misfit(shapes, model="resnet18", num_classes=5, image_size=64))


def test_architectures_another_image_size_matters_to_a_vit_only():
    assert "image_size" in str(misfit(built("vit_b_16"), model="vit_b_16", num_classes=5, image_size=96))
    assert misfit(built("vit_b_16"), model="vit_b_16", num_classes=None, image_size=96) is None
    assert misfit(built("swin_v2_t"), model="swin_v2_t", num_classes=5, image_size=96) is None


def test_architectures_weights_from_before_batches_were_counted_are_the_same_model():
    shapes = {key: shape for key, shape in built("resnet18").items() if not key.endswith("num_batches_tracked")}
    assert misfit(shapes, model="resnet18", num_classes=5, image_size=64) is None


@pytest.mark.parametrize(
    ("name", "image_size", "advice"),
    [("vit_b_16", 40, "32 or 48"), ("vit_b_32", 48, "32 or 64"), ("vit_l_32", 33, "32 or 64")],
)
def test_architectures_a_vit_needs_whole_patches(name, image_size, advice):
    with pytest.raises(InvalidInput, match=advice) as caught:
        check_image_size(name, image_size)
    assert caught.value.field == "image_size"


@pytest.mark.parametrize(
    ("name", "image_size"), [("vit_b_16", 48), ("vit_l_32", 64), ("resnet18", 33), ("swin_v2_t", 50)]
)
def test_architectures_image_sizes_that_do(name, image_size):
    check_image_size(name, image_size)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "mobilenet_v3_large"])
def test_architectures_one_image_at_a_time_is_refused_where_batch_norm_fails(name):
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        build_model(name, 2, image_size=32)(torch.zeros(1, 3, 32, 32))
    with pytest.raises(InvalidInput) as caught:
        check_batch(name, 1, 32)
    assert caught.value.field == "batch_size"
    check_batch(name, 2, 32)


@pytest.mark.parametrize(
    ("name", "image_size"), [("resnet18", 33), ("mobilenet_v3_small", 33), ("vit_b_32", 32), ("swin_v2_t", 32)]
)
def test_architectures_one_image_at_a_time_is_allowed_where_it_works(name, image_size):
    model = build_model(name, 2, image_size=image_size).train()
    assert model(torch.zeros(1, 3, image_size, image_size)).shape == (1, 2)
    check_batch(name, 1, image_size)


def test_architectures_an_unknown_model_is_refused_by_name():
    with pytest.raises(InvalidInput, match="vit_h_14") as caught:
        architectures.find("vit_h_14")
    assert caught.value.field == "model"
