"""Builds the supported models with torchvision and loads their weights."""

import re
from pathlib import Path

import torch
from torch import nn
from torchvision.models import get_model, get_model_weights
from torchvision.models.vision_transformer import interpolate_embeddings

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import Report, ignore
from rfuav_ray.models import architectures
from rfuav_ray.models.download import download
from rfuav_ray.models.weights import LegacyFormatError, find_state_dict, read_shapes

StateDict = dict[str, torch.Tensor]


def build_model(name: str, num_classes: int, *, image_size: int = 224) -> nn.Module:
    """Build a model with random weights: images (n, 3, image_size, image_size) → logits (n, num_classes).

    Its state dict has the layout of the public RFUAV weights.

    Raises:
        InvalidInput: The model is unknown, or does not support this image size.
    """
    architecture = architectures.find(name)
    architectures.check_image_size(name, image_size)
    sizes = {"image_size": image_size} if architecture.patch else {}
    model: nn.Module = get_model(name, weights=None, num_classes=num_classes, **sizes)
    if architecture.hidden:
        model.classifier = nn.Sequential(
            nn.Linear(architecture.features, architecture.hidden),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(architecture.hidden, num_classes),
        )
    return model


def load_pretrained(model: nn.Module, name: str, report: Report = ignore) -> Path:
    """Load torchvision's ImageNet weights into the backbone. The head keeps its random weights.

    The file comes from torch.hub's cache, else from the network. It is IMAGENET1K_V1 for every model, because all
    models have this set, and the ViTs have it for 224 pixels. For other image sizes a ViT's positions are
    interpolated.

    Args:
        model: A model of `build_model`.
        name: Its name.
        report: Receives the events of a download. It may raise RunCancelled or RunInterrupted to stop it.

    Returns:
        The weights file.

    Raises:
        RunError: The file cannot be downloaded, is damaged, or does not fit.
        Exception: Whatever `report` raises.
    """
    url: str = get_model_weights(name)["IMAGENET1K_V1"].url
    file = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    if not file.is_file():
        _download(url, file, name, report)
    try:
        state = _read(file)
        _check_fit(model, state, file, strict_head=False)
        backbone = {key: tensor for key, tensor in state.items() if not architectures.in_head(key)}
        _fill(model, backbone, file, may_miss=_head_keys(model))
    except RunError as error:
        raise RunError(
            f"{error} It is the cached file of the ImageNet weights: delete it to download it again, "
            "or start with `pretrained: false`."
        ) from error
    return file


def load_weights(model: nn.Module, path: Path, *, strict_head: bool) -> list[str]:
    """Load a state dict, or a checkpoint that contains one, into a model of `build_model`.

    Args:
        model: The model.
        path: The weights file.
        strict_head: True (inference): everything must fit. False (start of a training): parts of the head that do
            not fit keep their random weights, and a ViT's positions are interpolated to the model's image size.

    Returns:
        The keys that were not loaded.

    Raises:
        RunError: The file cannot be loaded or does not fit. The message names it.
    """
    state = _read(path)
    _check_fit(model, state, path, strict_head=strict_head)
    own = model.state_dict()
    fitting = {
        key: tensor
        for key, tensor in state.items()
        if strict_head or not architectures.in_head(key) or (key in own and own[key].shape == tensor.shape)
    }
    return _fill(model, fitting, path, may_miss=set() if strict_head else _head_keys(model))


def _head_keys(model: nn.Module) -> set[str]:
    return {key for key in model.state_dict() if architectures.in_head(key)}


def _download(url: str, file: Path, name: str, report: Report) -> None:
    hash_in_name = re.search(r"-([0-9a-f]{8,})\.", file.name)
    try:
        download(url, file, sha256_start=hash_in_name.group(1) if hash_in_name else "", report=report)
    except RunError as error:
        raise RunError(
            f"The ImageNet weights of {name} are not in the cache, and {error} Place the file at {file}, or start "
            "with `pretrained: false`."
        ) from error


def _read(path: Path) -> StateDict:
    try:
        read_shapes(path)
    except LegacyFormatError:
        pass
    except InvalidInput as error:
        raise RunError(error.reason) from error
    try:
        loaded = torch.load(path, weights_only=True, map_location="cpu")
    # Damaged files raise errors of many types. torch's message is left out: it advises to load the file unsafely.
    except Exception as error:
        raise RunError(
            f"{path} cannot be loaded: it is damaged, or holds more than tensors ({type(error).__name__})."
        ) from error
    state = find_state_dict(loaded, lambda value: isinstance(value, torch.Tensor))
    if not state:
        raise RunError(f"{path} holds no state dict of a model.")
    return state


def _check_fit(model: nn.Module, state: StateDict, path: Path, *, strict_head: bool) -> None:
    """Raise RunError if the weights are another model's. Interpolates a ViT's positions in `state` in place."""
    own = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    name = architectures.identify(own)
    if name is None:
        raise TypeError(f"{type(model).__name__} was not made by build_model")
    architecture = architectures.find(name)
    image_size = getattr(model, "image_size", 224)
    reason = architectures.misfit(
        {key: tuple(tensor.shape) for key, tensor in state.items()},
        model=name,
        num_classes=own[f"{architecture.head}.weight"][0] if strict_head else None,
        image_size=image_size,
    )
    if reason:
        raise RunError(f"{path} {reason}")
    if architecture.patch and architectures.POSITIONS in state:
        try:
            interpolate_embeddings(image_size, architecture.patch, state)
        except (ValueError, RuntimeError) as error:
            raise RunError(f"{path} has position embeddings of another ViT: {error}") from error


def _fill(model: nn.Module, state: StateDict, path: Path, *, may_miss: set[str]) -> list[str]:
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise RunError(f"{path} does not fit the model: {' '.join(str(error).split())}") from error
    wrong = [f"lacks {key}" for key in missing if key not in may_miss]
    wrong += [f"has the unknown {key}" for key in unexpected]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise RunError(f"{path} does not fit the model: it {', '.join(wrong[:5])}{more}.")
    return list(missing)
