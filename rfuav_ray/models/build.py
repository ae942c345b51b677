"""Builds the supported models with torchvision and loads their weights."""

import re
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torchvision.models import get_model, get_model_weights
from torchvision.models.vision_transformer import interpolate_embeddings

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.file_access.limits import MAX_WEIGHTS_BYTES
from rfuav_ray.file_access.reading import name_of_open, open_file
from rfuav_ray.file_access.roots import roots_of_process, within
from rfuav_ray.models import architectures
from rfuav_ray.models.download import download
from rfuav_ray.models.weights import fit
from rfuav_ray.models.weights.check import LegacyFormatError, read_content
from rfuav_ray.models.weights.layouts import Shape
from rfuav_ray.models.weights.safetensors_files import is_safetensors
from rfuav_ray.models.weights.state_dicts import Misfit, find_weights

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
        # Torch's cache is no folder of users.
        with within([*roots, file.resolve().parent] if (roots := roots_of_process()) else []):
            state = _fitting(model, file, strict_head=False, report=report)
        backbone = {key: tensor for key, tensor in state.items() if not architectures.in_head(key)}
        _fill(model, backbone, file)
    except RunError as error:
        raise RunError(
            f"{error} It is the cached file of the ImageNet weights: delete it to download it again, "
            "or start with `pretrained: false`."
        ) from error
    return file


def load_weights(model: nn.Module, path: Path, *, strict_head: bool, report: Report = ignore) -> list[str]:
    """Load a state dict, or a checkpoint that contains one, into a model of `build_model`.

    Args:
        model: The model.
        path: The weights file.
        strict_head: True (inference): everything must fit. False (start of a training): parts of the head that do
            not fit keep their random weights, and a ViT's positions are interpolated to the model's image size.
        report: Receives a WARNING for what the file holds besides, and for a choice between several models in it.

    Returns:
        The keys that were not loaded.

    Raises:
        RunError: The file cannot be loaded or does not fit. The message names it.
    """
    state = _fitting(model, path, strict_head=strict_head, report=report)
    own = model.state_dict()
    fitting = {
        key: tensor
        for key, tensor in state.items()
        if strict_head or not architectures.in_head(key) or (key in own and own[key].shape == tensor.shape)
    }
    return _fill(model, fitting, path)


def _download(url: str, file: Path, name: str, report: Report) -> None:
    hash_in_name = re.search(r"-([0-9a-f]{8,})\.", file.name)
    try:
        download(url, file, sha256_start=hash_in_name.group(1) if hash_in_name else "", report=report)
    except RunError as error:
        raise RunError(
            f"The ImageNet weights of {name} are not in the cache, and {error} Place the file at {file}, or start "
            "with `pretrained: false`."
        ) from error


def _fitting(model: nn.Module, path: Path, *, strict_head: bool, report: Report) -> StateDict:
    """The weights in a file that fit the model, by the model's names. A ViT's positions are interpolated."""
    own = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    name = fit.identify(own)
    if name is None:
        raise TypeError(f"{type(model).__name__} was not made by build_model")
    architecture = architectures.find(name)
    image_size = getattr(model, "image_size", 224)
    try:
        weights, notes = find_weights(
            _read(path),
            _shape_of,
            model=name,
            num_classes=own[f"{architecture.head}.weight"][0] if strict_head else None,
            image_size=image_size,
        )
    except Misfit as error:
        raise RunError(f"{path} {error}") from error
    for note in notes:
        report(RunEvent(message=f"{path} {note}", level="WARNING"))
    state = {key: tensor for key, tensor in weights.tensors.items() if key in own or architectures.in_head(key)}
    if architecture.patch:
        interpolate_embeddings(image_size, architecture.patch, state)
    return state


def _read(path: Path) -> object:
    """The content of a weights file, after the check that is also made at submission."""
    try:
        read_content(path)
    except LegacyFormatError:
        pass
    except InvalidInput as error:
        raise RunError(error.reason) from error
    try:
        if is_safetensors(path):
            with open_file(path, largest_bytes=MAX_WEIGHTS_BYTES) as file:
                return load_file(name_of_open(file, path))
        # Given a path, torch chooses the format by the file's name.
        with open_file(path, largest_bytes=MAX_WEIGHTS_BYTES) as file:
            return torch.load(file, weights_only=True, map_location="cpu")
    # Damaged files raise errors of many types. torch's message is left out: it advises to load the file unsafely.
    except Exception as error:
        raise RunError(
            f"{path} cannot be loaded: it is damaged, or holds more than tensors ({type(error).__name__})."
        ) from error


def _shape_of(value: object) -> Shape | None:
    """The shape of a tensor; None for tensors that `read_content` does not take for weights either."""
    if isinstance(value, torch.Tensor) and value.layout is torch.strided and not value.is_quantized:
        return tuple(value.shape)
    return None


def _fill(model: nn.Module, state: StateDict, path: Path) -> list[str]:
    """Load tensors that fit. Returns the parts of the head that were not loaded.

    Raises:
        RunError: A tensor holds other numbers than finite floating-point numbers.
    """
    own = model.state_dict()
    floats = {key: tensor for key, tensor in state.items() if own[key].is_floating_point()}
    integers = [key for key, tensor in floats.items() if not tensor.is_floating_point()]
    if integers:
        raise RunError(
            f"{path} holds no floating-point numbers in {len(integers)} weights ({fit.listed(integers)}): they "
            "may be quantized. Choose the weights from before that."
        )
    broken = [key for key, tensor in floats.items() if not tensor.float().isfinite().all()]
    if broken:
        raise RunError(
            f"{path} holds NaN or infinite numbers in {len(broken)} of {len(state)} weights "
            f"({fit.listed(broken)}): its training has diverged, or the file is damaged. Choose other weights."
        )
    missing, _ = model.load_state_dict(state, strict=False)
    return [key for key in missing if architectures.in_head(key)]
