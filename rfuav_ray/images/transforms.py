"""From an image to a model's input tensor. Training and inference share these functions."""

import torch

from rfuav_ray.images.files import RgbImage
from rfuav_ray.images.normalization import Normalization


def resize(image: RgbImage, image_size: int) -> RgbImage:
    """Resize an RGB image to (image_size, image_size, 3). The aspect ratio is not kept.

    Bilinear interpolation with antialiasing: where a side shrinks, the triangle filter is twice as wide as the
    distance between output pixels. It keeps narrow-band signals from vanishing between the samples. PIL does the
    same, and so does torchvision, which others train with.
    """
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    size = (image_size, image_size)
    resized = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


def scale(pictures: torch.Tensor, normalization: Normalization | None) -> torch.Tensor:
    """Scale images to 0..1 and normalize them, on their own device.

    Args:
        pictures: uint8, shape (…, 3, H, W).
        normalization: None: scale to 0..1 only.

    Returns:
        float32, shape (…, 3, H, W), channels last in memory.
    """
    # Whole rows (…, H, W * 3) at a time: broadcasting three numbers per pixel takes four times as long on a CPU.
    rows = pictures.movedim(-3, -1).flatten(-2).float() / 255
    if normalization is not None:
        width = pictures.shape[-1]
        mean = torch.tensor(normalization.mean, device=pictures.device).repeat(width)
        std = torch.tensor(normalization.std, device=pictures.device).repeat(width)
        rows.sub_(mean).div_(std)
    return rows.view(*rows.shape[:-1], -1, 3).movedim(-1, -3)


def to_tensor(image: RgbImage, *, image_size: int, normalization: Normalization | None) -> torch.Tensor:
    """`resize` and `scale` an RGB image (height, width, 3) to float32 (3, image_size, image_size)."""
    pixels = torch.from_numpy(resize(image, image_size)).permute(2, 0, 1)
    return scale(pixels, normalization)
