"""A trained model that is ready to classify pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from rfuav_ray.errors import RunError
from rfuav_ray.images import Picture
from rfuav_ray.model_config import ModelConfig
from rfuav_ray.models import build_model, load_weights
from rfuav_ray.transforms import scale

Probabilities = npt.NDArray[np.float32]


class Classifier:
    """Raises RunError when the weights don't fit the config."""

    def __init__(self, config: ModelConfig, weight_path: Path, device: torch.device) -> None:
        self.config = config
        self._weight_path = weight_path
        self._device = device
        model = build_model(config.model, config.num_classes, image_size=config.image_size)
        load_weights(model, weight_path, strict_head=True)
        self._model = model.eval().to(device).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def probabilities(self, pictures: Sequence[Picture]) -> Probabilities:
        """Of each class (n, num_classes), from n pictures (image_size, image_size, 3)."""
        # Seen as (n, 3, H, W) the pixels already lie channels last.
        pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self._device)
        inputs = scale(pixels, self.config.normalization)
        probabilities = self._model(inputs).float().softmax(dim=1).cpu()
        if not probabilities.isfinite().all():
            raise RunError(
                f"The model gives no finite probabilities: the weights in {self._weight_path} are damaged or "
                "their training has diverged. Train again with a lower learning_rate."
            )
        return np.asarray(probabilities.numpy())
