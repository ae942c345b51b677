import socket

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.models import download
from rfuav_ray.models.build import build_model, load_pretrained, load_weights
from tests.support.weight_files import Touch, saved

pytestmark = pytest.mark.usefixtures("one_thread")


def filled(model: nn.Module, value: float) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    return model


def equal(model: nn.Module, state: dict[str, torch.Tensor]) -> bool:
    own = model.state_dict()
    return own.keys() == state.keys() and all(torch.equal(own[key], state[key]) for key in own)


@pytest.fixture
def network(monkeypatch):
    """The only way to the network: a proxy that refuses connections. After `listen` it accepts and is silent."""
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        yield proxy


@pytest.fixture
def cache(tmp_path, monkeypatch, network):
    """torch.hub's cache, empty, with no network behind it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "home" / "hub" / "checkpoints"


@pytest.mark.parametrize("name", SUPPORTED_MODELS)
def test_build_the_layout_is_that_of_the_public_weights(name):
    """RFUAV replaces the last layer of torchvision's model, and both MobileNets' whole classifier."""
    with torch.device("meta"):
        expected = get_model(name, weights=None)
        if name.startswith("resnet"):
            expected.fc = nn.Linear(expected.fc.in_features, 37)
        elif name.startswith("vit"):
            expected.heads.head = nn.Linear(expected.heads.head.in_features, 37)
        elif name.startswith("swin"):
            expected.head = nn.Linear(expected.head.in_features, 37)
        else:
            expected.classifier = nn.Sequential(
                nn.Linear(expected.classifier[0].in_features, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 37)
            )
        model = build_model(name, 37)
    shapes = {key: tensor.shape for key, tensor in model.state_dict().items()}
    assert shapes == {key: tensor.shape for key, tensor in expected.state_dict().items()}


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "vit_b_32", "swin_v2_t"])
@pytest.mark.parametrize("num_classes", [1, 3])
def test_build_a_model_gives_one_logit_a_class(name, num_classes):
    model = build_model(name, num_classes, image_size=32).eval()
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 32, 32)).shape == (2, num_classes)


def test_build_what_cannot_be_built_is_refused():
    with pytest.raises(InvalidInput, match="resnet19"):
        build_model("resnet19", 2)
    with pytest.raises(InvalidInput, match="multiple of 16"):
        build_model("vit_b_16", 2, image_size=100)


@pytest.mark.parametrize("nested", [None, "model", "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("zipped", [True, False])
def test_build_every_form_of_weights_loads(tmp_path, nested, prefix, zipped):
    state = build_model("mobilenet_v3_small", 3).state_dict()
    content: object = {prefix + key: tensor for key, tensor in state.items()}
    if nested:
        content = {"epoch": 3, nested: content}
    path = saved(tmp_path, content, _use_new_zipfile_serialization=zipped)
    model = build_model("mobilenet_v3_small", 3)
    assert not equal(model, state)
    assert load_weights(model, path, strict_head=True) == []
    assert equal(model, state)


def test_build_half_precision_weights_load_into_full_precision(tmp_path):
    state = build_model("resnet18", 3).half().state_dict()
    model = build_model("resnet18", 3)
    load_weights(model, saved(tmp_path, state), strict_head=True)
    assert model.fc.weight.dtype == torch.float32
    assert torch.equal(model.get_parameter("fc.weight"), state["fc.weight"].float())


def test_build_weights_from_before_batches_were_counted_load(tmp_path):
    state = build_model("resnet18", 3).state_dict()
    path = saved(tmp_path, {key: value for key, value in state.items() if "num_batches" not in key})
    model = build_model("resnet18", 3)
    assert load_weights(model, path, strict_head=True) == []
    assert torch.equal(model.get_parameter("fc.weight"), state["fc.weight"])


def test_build_a_head_for_other_classes_is_left_new_and_reported(tmp_path):
    path = saved(tmp_path, filled(build_model("resnet18", 37), 0.25).state_dict())
    model = filled(build_model("resnet18", 3), 0.5)
    assert load_weights(model, path, strict_head=False) == ["fc.weight", "fc.bias"]
    assert (model.fc.weight == 0.5).all()
    assert (model.conv1.weight == 0.25).all()


def test_build_the_part_of_a_head_that_fits_is_loaded(tmp_path):
    path = saved(tmp_path, filled(build_model("mobilenet_v3_small", 37), 0.25).state_dict())
    model = filled(build_model("mobilenet_v3_small", 3), 0.5)
    assert load_weights(model, path, strict_head=False) == ["classifier.3.weight", "classifier.3.bias"]
    assert (model.get_parameter("classifier.0.weight") == 0.25).all()
    assert (model.get_parameter("classifier.3.weight") == 0.5).all()


def test_build_torchvisions_own_weights_start_a_training(tmp_path):
    path = saved(tmp_path, get_model("mobilenet_v3_small", weights=None).state_dict())
    model = build_model("mobilenet_v3_small", 3)
    assert len(load_weights(model, path, strict_head=False)) == 4


def test_build_a_head_of_the_same_classes_is_loaded_at_the_start_too(tmp_path):
    path = saved(tmp_path, filled(build_model("resnet18", 3), 0.25).state_dict())
    model = build_model("resnet18", 3)
    assert load_weights(model, path, strict_head=False) == []
    assert (model.fc.weight == 0.25).all()


@pytest.mark.long
def test_build_a_vits_positions_are_interpolated_at_the_start_only(tmp_path):
    source = build_model("vit_b_32", 2, image_size=64)
    path = saved(tmp_path, source.state_dict())
    model = build_model("vit_b_32", 2, image_size=96)
    with pytest.raises(RunError, match="another image_size than 96"):
        load_weights(model, path, strict_head=True)
    assert load_weights(model, path, strict_head=False) == []
    old, new = (each.get_parameter("encoder.pos_embedding") for each in (source, model))
    assert new.shape == (1, 10, 768)
    assert torch.equal(new[:, 0], old[:, 0])
    # The corners of the 2 × 2 and of the 3 × 3 grid are the same places.
    torch.testing.assert_close(new[:, [1, 3, 7, 9]], old[:, [1, 2, 3, 4]])


@pytest.mark.parametrize("strict_head", [True, False])
def test_build_weights_of_another_model_are_refused_by_both_names(tmp_path, strict_head):
    path = saved(tmp_path, build_model("resnet34", 3).state_dict())
    model = build_model("resnet18", 3)
    with pytest.raises(RunError, match=r"weights\.pth holds weights of resnet34, but the model is resnet18"):
        load_weights(model, path, strict_head=strict_head)


def test_build_another_number_of_classes_is_refused_for_inference(tmp_path):
    path = saved(tmp_path, build_model("resnet18", 37).state_dict())
    with pytest.raises(RunError, match=r"weights\.pth has 37 classes, but num_classes is 3"):
        load_weights(build_model("resnet18", 3), path, strict_head=True)


@pytest.mark.parametrize("strict_head", [True, False])
def test_build_renamed_and_swapped_entries_are_refused(tmp_path, strict_head):
    state = build_model("resnet18", 3).state_dict()
    state["layer1.0.conv9.weight"] = state.pop("layer1.0.conv1.weight")
    path = saved(tmp_path, state)
    with pytest.raises(RunError, match=r"1 missing \(layer1\.0\.conv1\.weight\); 1 unexpected \(layer1\.0\.conv9"):
        load_weights(build_model("resnet18", 3), path, strict_head=strict_head)
    state = build_model("resnet18", 3).state_dict()
    state["conv1.weight"] = state["conv1.weight"].transpose(0, 1).contiguous()
    with pytest.raises(
        RunError, match=r"does not fit resnet18: 1 of another shape \(conv1\.weight is \(3, 64, 7, 7\)"
    ):
        load_weights(build_model("resnet18", 3), saved(tmp_path, state), strict_head=strict_head)


@pytest.mark.parametrize("zipped", [True, False])
def test_build_code_among_the_weights_is_refused_and_not_run(tmp_path, zipped):
    content = build_model("mobilenet_v3_small", 3).state_dict() | {"trap": Touch(tmp_path / "ran")}
    path = saved(tmp_path, content, _use_new_zipfile_serialization=zipped)
    with pytest.raises(RunError, match=r"weights\.pth"):
        load_weights(build_model("mobilenet_v3_small", 3), path, strict_head=True)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_build_cut_off_weights_are_refused_by_name(tmp_path, zipped):
    model = build_model("mobilenet_v3_small", 3)
    path = saved(tmp_path, model.state_dict(), _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(RunError, match=r"weights\.pth"):
        load_weights(model, path, strict_head=True)


def test_build_files_that_are_no_weights_are_refused_by_name(tmp_path):
    model = build_model("mobilenet_v3_small", 3)
    (tmp_path / "text.pth").write_text("hello")
    for name, reason in (("missing.pth", "No such file"), ("text.pth", "not a PyTorch weights file")):
        with pytest.raises(RunError, match=f"{name}.*{reason}"):
            load_weights(model, tmp_path / name, strict_head=True)


def test_build_a_refused_file_leaves_the_model_as_it_was(tmp_path):
    model = build_model("resnet18", 3)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(RunError):
        load_weights(model, saved(tmp_path, build_model("resnet18", 4).state_dict()), strict_head=True)
    assert equal(model, before)


def test_build_pretrained_weights_fill_the_backbone_alone(cache):
    cache.mkdir(parents=True)
    pretrained = filled(get_model("mobilenet_v3_small", weights=None), 0.25)
    torch.save(pretrained.state_dict(), cache / "mobilenet_v3_small-047dcff4.pth")
    model = filled(build_model("mobilenet_v3_small", 3), 0.5)
    assert load_pretrained(model, "mobilenet_v3_small") == cache / "mobilenet_v3_small-047dcff4.pth"
    assert all((tensor == 0.25).all() for key, tensor in model.named_parameters() if key.startswith("features"))
    assert all((tensor == 0.5).all() for tensor in model.classifier.parameters())


def test_build_a_head_of_the_same_size_as_imagenets_stays_new_too(cache):
    cache.mkdir(parents=True)
    torch.save(filled(get_model("resnet18", weights=None), 0.25).state_dict(), cache / "resnet18-f37072fd.pth")
    model = filled(build_model("resnet18", 1000), 0.5)
    load_pretrained(model, "resnet18")
    assert (model.fc.weight == 0.5).all()
    assert (model.get_parameter("layer4.1.conv2.weight") == 0.25).all()


@pytest.mark.long
def test_build_pretrained_positions_are_interpolated(cache):
    cache.mkdir(parents=True)
    torch.save(filled(build_model("vit_b_32", 1000), 0.25).state_dict(), cache / "vit_b_32-d86f8d99.pth")
    model = build_model("vit_b_32", 3, image_size=64)
    load_pretrained(model, "vit_b_32")
    assert model.encoder.pos_embedding.shape == (1, 5, 768)
    torch.testing.assert_close(model.encoder.pos_embedding.data, torch.full((1, 5, 768), 0.25))


def test_build_pretrained_weights_that_cannot_be_had_are_named_with_their_place(cache):
    with pytest.raises(RunError) as caught:
        load_pretrained(build_model("resnet18", 3), "resnet18")
    assert str(cache / "resnet18-f37072fd.pth") in str(caught.value)
    assert "`pretrained: false`" in str(caught.value)
    assert "://" not in str(caught.value)
    assert list(cache.iterdir()) == []


def test_build_a_network_that_is_silent_ends_a_download_of_pretrained_weights(cache, network, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    network.listen()
    with pytest.raises(RunError) as caught:
        load_pretrained(build_model("resnet18", 3), "resnet18")
    assert "from download.pytorch.org: no answer within 0.2 s" in str(caught.value)
    assert str(cache / "resnet18-f37072fd.pth") in str(caught.value)
    assert "`pretrained: false`" in str(caught.value)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04"])
def test_build_a_damaged_file_in_the_cache_is_named(cache, content):
    cache.mkdir(parents=True)
    (cache / "resnet18-f37072fd.pth").write_bytes(content)
    with pytest.raises(RunError, match=r"resnet18-f37072fd\.pth.*delete it"):
        load_pretrained(build_model("resnet18", 3), "resnet18")


def test_build_another_models_file_in_the_cache_is_named(cache):
    cache.mkdir(parents=True)
    torch.save(build_model("resnet34", 1000).state_dict(), cache / "resnet18-f37072fd.pth")
    with pytest.raises(RunError, match=r"resnet18-f37072fd\.pth holds weights of resnet34"):
        load_pretrained(build_model("resnet18", 3), "resnet18")
