"""From a picture to what a model sees: the one definition that training and inference share."""

import torch

from rfuav_ray.images.files import Picture
from rfuav_ray.images.normalization import Normalization


def resize(image: Picture, image_size: int) -> Picture:
    """Resize to (image_size, image_size, 3), whatever the shape was.

    Bilinear, over a triangle twice as wide as the step where a side shrinks: that keeps narrow-band signals from
    vanishing between the samples, and is what PIL and so torchvision, with which others train, do.
    """
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    size = (image_size, image_size)
    resized = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


def scale(pictures: torch.Tensor, normalization: Normalization | None) -> torch.Tensor:
    """Turn uint8 pictures (…, 3, H, W) into float32, 0..1 and then normalized, on the device they are on.

    In memory the channels of a pixel lie side by side afterwards.
    """
    # By rows (…, H, W * 3): arithmetic with three numbers for each pixel takes four times as long on a CPU.
    rows = pictures.movedim(-3, -1).flatten(-2).float() / 255
    if normalization is not None:
        width = pictures.shape[-1]
        mean = torch.tensor(normalization.mean, device=pictures.device).repeat(width)
        std = torch.tensor(normalization.std, device=pictures.device).repeat(width)
        rows.sub_(mean).div_(std)
    return rows.view(*rows.shape[:-1], -1, 3).movedim(-1, -3)


def to_tensor(image: Picture, *, image_size: int, normalization: Normalization | None) -> torch.Tensor:
    """`scale` of `resize`: float32 (3, image_size, image_size) from an RGB picture (height, width, 3)."""
    pixels = torch.from_numpy(resize(image, image_size)).permute(2, 0, 1)
    return scale(pixels, normalization)
