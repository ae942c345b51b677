import pytest
import torch
from torchvision.models import get_model

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.errors import InvalidInput
from rfuav_ray.models import architectures
from rfuav_ray.models.architectures import ARCHITECTURES, POSITIONS, check_batch, check_image_size
from rfuav_ray.models.build import build_model


def test_architectures_every_supported_model_has_its_facts():
    assert tuple(ARCHITECTURES) == SUPPORTED_MODELS


@pytest.mark.parametrize("name", SUPPORTED_MODELS)
def test_architectures_the_facts_are_those_of_torchvision(name):
    with torch.device("meta"):
        state = get_model(name, weights=None).state_dict()
    architecture = ARCHITECTURES[name]
    assert architecture.backbone == {
        key: tuple(tensor.shape)
        for key, tensor in state.items()
        if not key.endswith("num_batches_tracked") and key != POSITIONS and not architectures.in_head(key)
    }
    assert (POSITIONS in state) == (architecture.patch is not None)
    assert architecture.batch_norm == any("running_mean" in key for key in state)


@pytest.mark.parametrize("name", SUPPORTED_MODELS)
def test_architectures_the_heads_are_those_of_the_models_that_are_built(name):
    with torch.device("meta"):
        state = build_model(name, 5, image_size=64).state_dict()
    head = {key: tuple(tensor.shape) for key, tensor in state.items() if architectures.in_head(key)}
    assert head == ARCHITECTURES[name].head_shapes(5)
    if ARCHITECTURES[name].patch:
        assert ARCHITECTURES[name].positions_shape(64) == state[POSITIONS].shape


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
