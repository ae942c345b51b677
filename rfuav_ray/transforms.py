"""From an image file to what a model sees: the one definition that training and inference share."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, UnidentifiedImageError

from rfuav_ray.errors import RunError
from rfuav_ray.model_config import Normalization

Picture = npt.NDArray[np.uint8]

MAX_PIXELS = 100_000_000


def read_image(path: Path) -> Picture:
    """Read an image as RGB, uint8, (height, width, 3); grey, 16-bit and transparent ones are converted.

    Pixels stay where they are stored: an EXIF rotation is not applied. Raises RunError naming the file.
    """
    try:
        _check_header(path)
        # OpenCV's own reading fails on names outside the system's encoding.
        content = np.fromfile(path, dtype=np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except (OSError, cv2.error) as error:
        raise RunError(f"{path} cannot be read as an image: {error}") from error
    if image is None:
        raise RunError(f"{path} cannot be read as an image: it is damaged or cut off.")
    return np.asarray(image, dtype=np.uint8)


def resize(image: Picture, image_size: int) -> Picture:
    """Resize to (image_size, image_size, 3), whatever the shape was.

    A side that shrinks is averaged over areas, which keeps narrow-band signals from vanishing between the
    samples; a side that grows is interpolated linearly.
    """
    height, width = image.shape[:2]
    shrunk = (min(width, image_size), min(height, image_size))
    if shrunk != (width, height):
        image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if shrunk != (image_size, image_size):
        image = cv2.resize(image, (image_size, image_size), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return image


def scale(pictures: torch.Tensor, normalization: Normalization | None) -> torch.Tensor:
    """Turn uint8 pictures (…, 3, H, W) into float32, 0..1 and then normalized, on the device they are on."""
    scaled = pictures.float() / 255
    if normalization is None:
        return scaled
    mean = torch.tensor(normalization.mean, device=pictures.device).view(3, 1, 1)
    std = torch.tensor(normalization.std, device=pictures.device).view(3, 1, 1)
    return scaled.sub_(mean).div_(std)


def to_tensor(image: Picture, *, image_size: int, normalization: Normalization | None) -> torch.Tensor:
    """`scale` of `resize`: float32 (3, image_size, image_size) from an RGB picture (height, width, 3)."""
    pixels = torch.from_numpy(resize(image, image_size)).permute(2, 0, 1)
    return scale(pixels, normalization)


def _check_header(path: Path) -> None:
    """Refuse what is no image, or would take gigabytes once decoded, before it is decoded."""
    if not path.is_file():
        raise RunError(f"{path} cannot be read as an image: there is no such file.")
    if path.stat().st_size == 0:
        raise RunError(f"{path} cannot be read as an image: the file is empty.")
    try:
        with Image.open(path, formats=("PNG", "JPEG", "BMP", "WEBP")) as header:
            width, height = header.size
    except (UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise RunError(f"{path} is no PNG, JPEG, BMP or WebP image, or its header is damaged.") from error
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    if width * height > MAX_PIXELS:
        raise _too_large(path)


def _too_large(path: Path) -> RunError:
    return RunError(f"{path} has more than {MAX_PIXELS // 1_000_000} million pixels: crop or shrink it first.")
