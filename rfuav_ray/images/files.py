"""Reading and writing image files. Does not import torch."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from rfuav_ray.errors import RunError
from rfuav_ray.files import replacing

RgbImage = npt.NDArray[np.uint8]

MAX_PIXELS = 100_000_000
_AS_COLOUR = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION


def read_image(path: Path) -> RgbImage:
    """Read an image as RGB. Grey, 16-bit and transparent images are converted. An EXIF rotation is not applied.

    Returns:
        uint8, shape (height, width, 3).

    Raises:
        RunError: The file cannot be read. The message names it.
    """
    return np.asarray(_decode(path, _AS_COLOUR), dtype=np.uint8)


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """Read an image with the channels and depth that `write_pixels` can write under the same suffix.

    An EXIF rotation is not applied.

    Returns:
        Shape (height, width) for grey, else (height, width, channels) in OpenCV's order BGR or BGRA. A PNG keeps
        transparency and 16 bits; other formats give uint8 without transparency.

    Raises:
        RunError: The file cannot be read. The message names it.
    """
    if path.suffix.lower() == ".png":
        return _decode(path, cv2.IMREAD_UNCHANGED)
    return _decode(path, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def write_image(path: Path, image: RgbImage) -> None:
    """Write an RGB image in the format of the suffix, see `write_pixels`."""
    write_pixels(path, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def write_pixels(path: Path, pixels: npt.NDArray[Any]) -> None:
    """Write pixels as `read_pixels` returns them, in the format of the suffix, atomically and without a flush.

    Raises:
        RunError: The pixels cannot be written in this format.
    """
    try:
        is_encoded, content = cv2.imencode(path.suffix.lower(), pixels)
    except cv2.error as error:
        raise RunError(f"{path} cannot be written as {path.suffix}: {' '.join(str(error).split())}") from error
    if not is_encoded:
        raise RunError(f"{path} cannot be written as {path.suffix}.")
    with replacing(path, flush=False) as temporary:
        temporary.write_bytes(content.data)


def _decode(path: Path, flags: int) -> npt.NDArray[Any]:
    check_image(path)
    try:
        # cv2.imread fails on file names outside the system's encoding.
        image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), flags)
    except (OSError, cv2.error) as error:
        raise RunError(f"{path} cannot be read as an image: {error}") from error
    if image is None:
        raise RunError(f"{path} cannot be read as an image: it is damaged or cut off.")
    return image


def check_image(path: Path) -> None:
    """Check an image by its header only.

    Raises:
        RunError: The file is missing or not an image, or has more than MAX_PIXELS pixels: decoding it could take
            gigabytes.
    """
    if not path.is_file():
        raise RunError(f"{path} cannot be read as an image: there is no such file.")
    if path.stat().st_size == 0:
        raise RunError(f"{path} cannot be read as an image: the file is empty.")
    try:
        with Image.open(path, formats=("PNG", "JPEG", "BMP", "WEBP")) as header:
            width, height = header.size
    except (UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise RunError(f"{path} is not a PNG, JPEG, BMP or WebP image, or its header is damaged.") from error
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except OSError as error:
        raise RunError(f"{path} cannot be read as an image: {error.strerror or error}.") from error
    if width * height > MAX_PIXELS:
        raise _too_large(path)


def _too_large(path: Path) -> RunError:
    return RunError(f"{path} has more than {MAX_PIXELS // 1_000_000} million pixels: crop or shrink it first.")
