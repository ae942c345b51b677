"""A trained model, ready to classify images."""

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from rfuav_ray.api.requests.fields import Precision
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.images.files import RgbImage
from rfuav_ray.images.transforms import scale
from rfuav_ray.models.build import build_model, load_weights
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.models.precision import autocast, resolve

Probabilities = npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]

#: largest difference from a float32 probability (0 to 1) at which `auto` keeps bfloat16
BF16_TOLERANCE = 0.05
#: a worker process caches its last model up to this size, for the next task with the same weights
MAX_CACHED_BYTES = 400_000_000
_kept: dict[Any, tuple[nn.Module, list[RunEvent]]] = {}


class Classifier:
    """A model with its weights on a device.

    With precision `auto`, the first call compares bfloat16 with float32. If a probability differs by more than
    BF16_TOLERANCE, the classifier reports a WARNING and uses float32. After the first call it is thread-safe.

    Creating one raises RunError if the weights do not fit the config.
    """

    def __init__(
        self,
        config: ModelConfig,
        weight_path: Path,
        device: torch.device,
        precision: Precision = "fp32",
        report: Report = ignore,
    ) -> None:
        self.config = config
        self.dtype = resolve(precision, device, report)
        self._is_checked = precision != "auto" or self.dtype is torch.float32
        self._weight_path = weight_path
        self._temperature = config.temperature
        self.device = device
        self._report = report
        self._model, events = _load(config, weight_path, device)
        for event in events:
            report(event)
        if self._is_checked:
            self._cast_weights()

    def probabilities(self, pictures: Sequence[RgbImage]) -> Probabilities:
        """Classify images.

        Args:
            pictures: n RGB images, uint8 (image_size, image_size, 3).

        Returns:
            float32, shape (n, num_classes).

        Raises:
            RunError: A probability is not finite.
        """
        return self.probabilities_of(self.logits(pictures))

    def probabilities_of(self, logits: Logits) -> Probabilities:
        """The calibrated probabilities of `logits`."""
        return np.asarray(self._softmax(torch.from_numpy(logits)).numpy())

    @torch.inference_mode()
    def logits(self, pictures: Sequence[RgbImage]) -> Logits:
        """The outputs of the model for images, as `probabilities`: before the temperature and the softmax."""
        # Permuted to (n, 3, H, W), the pixels are already channels last in memory.
        pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self.device)
        inputs = scale(pixels, self.config.normalization)
        logits = self._logits(inputs, self.dtype)
        if not self._is_checked:
            logits = self._check(inputs, logits)
        if not logits.isfinite().all():
            raise RunError(
                f"The model gives no finite probabilities: the weights in {self._weight_path} are damaged or "
                "their training has diverged. Train again with a lower learning_rate."
            )
        return np.asarray(logits.numpy())

    def _logits(self, inputs: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        with autocast(self.device, dtype):
            logits = self._model(inputs)
        return torch.as_tensor(logits).float().cpu()

    def _check(self, inputs: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Choose the format for this and all later calls. Returns its logits."""
        self._is_checked = True
        exact = self._logits(inputs, torch.float32)
        difference = (self._softmax(logits) - self._softmax(exact)).abs().max().item()
        if difference <= BF16_TOLERANCE:
            self._cast_weights()
            return logits
        message = (
            f"A bf16 probability of this model differs from fp32 by {difference:.2f}, so the model computes in "
            "fp32."
        )
        self._report(RunEvent(message=message, level="WARNING"))
        self.dtype = torch.float32
        return exact

    def _softmax(self, logits: torch.Tensor) -> torch.Tensor:
        return (logits / self._temperature).softmax(dim=1)

    def _cast_weights(self) -> None:
        """Cast the weights to the chosen format on a CPU, which saves a twentieth of the time.

        A GPU casts them while it computes.
        """
        if self.dtype is torch.float32 or self.device.type != "cpu":
            return
        if any(
            self._model is model for model, _ in _kept.values()
        ):  # the cached model stays in float32, which the next task may need
            self._model = deepcopy(self._model)
        cast_weights(self._model, self.dtype)


def fold_batch_norms(model: nn.Module) -> None:
    """Fold every batch norm into the weights of the preceding convolution, for the same outputs in less time.

    In torchvision's models a batch norm directly follows its convolution among the children of their module.
    """
    for module in list(model.modules()):
        for (name, conv), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())


def cast_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Cast the weights that autocast would otherwise cast for every batch. The outputs stay the same."""
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.to(dtype)


def _load(config: ModelConfig, weight_path: Path, device: torch.device) -> tuple[nn.Module, list[RunEvent]]:
    """Load a model for inference. Returns the cached model of the last call if its file has not changed.

    The events tell what is doubtful about the weights. They belong to the log of each task that uses the model.
    """
    stat = weight_path.stat() if weight_path.exists() else None
    stamp = stat and (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    key = (config.model, config.num_classes, config.image_size, weight_path, stamp, device)
    if kept := _kept.get(key):
        return kept
    _kept.clear()
    model = build_model(config.model, config.num_classes, image_size=config.image_size)
    events: list[RunEvent] = []
    load_weights(model, weight_path, strict_head=True, report=events.append)
    fold_batch_norms(model.eval())
    model = model.to(device).to(memory_format=torch.channels_last)
    if sum(tensor.nbytes for tensor in model.state_dict().values()) <= MAX_CACHED_BYTES:
        _kept[key] = model, events
    return model, events
