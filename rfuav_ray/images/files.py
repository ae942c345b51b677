"""Reading and writing image files. A file that is cut off is refused. Does not import torch."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.bounded import BoundedReads
from rfuav_ray.file_access.limits import (
    IMAGE_BYTES_BESIDE,
    IMAGE_BYTES_PER_PIXEL,
    MAX_IMAGE_BYTES,
    MAX_PIXELS,
)
from rfuav_ray.file_access.reading import open_file, too_large
from rfuav_ray.files import write_content
from rfuav_ray.images.decoding import JPEG_FORMATS, decode, is_complete

RgbImage = npt.NDArray[np.uint8]

_AS_COLOUR = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
#: the flags that keep what `write_pixels` can write. TIFF is not left unchanged: its CMYK would pass for BGRA.
_AS_STORED = {
    ".png": cv2.IMREAD_UNCHANGED,
    ".webp": cv2.IMREAD_UNCHANGED,
    ".tif": cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION,
    ".tiff": cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION,
}
_AS_8_BITS = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
#: JPEG allows to decode at a fraction of the size
_REDUCED = {
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def read_image(path: Path) -> RgbImage:
    """Read an image as RGB. Grey, 16-bit and transparent images are converted. An EXIF rotation is not applied.

    Returns:
        uint8, shape (height, width, 3).

    Raises:
        RunError: The file cannot be read. The message names it.
    """
    return np.asarray(_decode(path, _AS_COLOUR), dtype=np.uint8)


def read_grey(path: Path, *, least_side: int) -> npt.NDArray[np.uint8]:
    """Read an image as 8-bit grey, for a look at it as a whole. A large JPEG is read at a fraction of its size.

    Args:
        path: The file.
        least_side: Neither side of a reduced image is smaller than this, pixels.

    Returns:
        uint8, shape (height, width).

    Raises:
        RunError: As `read_image`.
    """
    content, image_format = _content(path)
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    if image_format in JPEG_FORMATS:
        with Image.open(io.BytesIO(content), formats=("JPEG", "MPO")) as header:
            smaller_side = min(header.size)
        fitting = [flag for factor, flag in _REDUCED.items() if smaller_side >= factor * least_side]
        flags = (fitting or [flags])[-1] | cv2.IMREAD_IGNORE_ORIENTATION
    return np.asarray(_decode_content(path, content, image_format, flags), dtype=np.uint8)


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """Read an image with the channels and depth that `write_pixels` can write under the same suffix.

    An EXIF rotation is not applied.

    Returns:
        Shape (height, width) for grey, else (height, width, channels) in OpenCV's order BGR or BGRA. PNG and
        WebP keep transparency, PNG and TIFF keep 16 bits; other formats give uint8 without transparency.

    Raises:
        RunError: The file cannot be read. The message names it.
    """
    return _decode(path, _AS_STORED.get(path.suffix.lower(), _AS_8_BITS))


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
    write_content(path, content.data)


def check_whole(path: Path) -> None:
    """Check that an image is complete, without decoding it where its format allows that.

    It finds files that are cut off, and damage in a PNG. It does not find damage within a JPEG or WebP image.

    Raises:
        RunError: As `read_image`.
    """
    content, image_format = _content(path)
    if not is_complete(content, image_format):
        _decode_content(path, content, image_format, _AS_COLOUR)


def read_checked(path: Path) -> tuple[bytes, RgbImage]:
    """Read an image as it is stored, and as `read_image` does. Both are of one moment.

    Raises:
        RunError: As `read_image`.
    """
    content, image_format = _content(path)
    image = _decode_content(path, content, image_format, _AS_COLOUR)
    return content, np.asarray(image, dtype=np.uint8)


def _decode(path: Path, flags: int) -> npt.NDArray[Any]:
    return _decode_content(path, *_content(path), flags)


def _content(path: Path) -> tuple[bytes, str]:
    """The bytes of an image and its format. Raises RunError if it cannot be one, or is too large."""
    with _opened(path) as file:
        image_format, largest_bytes = _look_at_header(path, file)
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes > largest_bytes:
            raise too_large(path, size_bytes, largest_bytes)
        file.seek(0)
        return file.read(size_bytes), image_format  # a read of more would take the memory first


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open_file(path, largest_bytes=MAX_IMAGE_BYTES) as file:
            yield file
    except FileNotFoundError as error:
        raise RunError(f"{path} cannot be read as an image: there is no such file.") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read as an image: {error.strerror or error}.") from error


def _decode_content(path: Path, content: bytes, image_format: str, flags: int) -> npt.NDArray[Any]:
    try:
        image = decode(content, image_format, flags)
    except (OSError, SyntaxError, ValueError, cv2.error) as error:
        raise RunError(f"{path} cannot be read as an image: {error}") from error
    if image is None:
        raise RunError(f"{path} cannot be read as an image: it is damaged or cut off.")
    return image


def _look_at_header(path: Path, file: BinaryIO) -> tuple[str, int]:
    """The format of an image, and how many bytes a file of so many pixels can have.

    The format is PNG, JPEG, MPO, BMP, TIFF or WEBP.

    Raises:
        RunError: The file is not an image, or has more than MAX_PIXELS pixels: decoding it could take gigabytes.
    """
    size_bytes = os.fstat(file.fileno()).st_size
    if size_bytes == 0:
        raise RunError(f"{path} cannot be read as an image: the file is empty.")
    # Each of the thousands of tags of a TIFF can state that it is as long as the file.
    is_tagged = file.read(2) in {b"II", b"MM"}
    file.seek(0)
    try:
        bounded = file
        if is_tagged or size_bytes > IMAGE_BYTES_BESIDE:
            bounded = cast("BinaryIO", BoundedReads(file, IMAGE_BYTES_BESIDE))
        with Image.open(bounded, formats=("PNG", "JPEG", "BMP", "TIFF", "WEBP")) as header:
            width, height = header.size
            mode, image_format = header.mode, str(header.format)
    except (UnidentifiedImageError, SyntaxError, ValueError) as error:
        message = f"{path} is not a PNG, JPEG, BMP, TIFF or WebP image, or its header is damaged."
        raise RunError(message) from error
    except Image.DecompressionBombError:
        raise _too_many_pixels(path) from None
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(path)
    if image_format == "TIFF" and mode in {"F", "I"}:
        raise RunError(f"{path} has 32-bit samples: convert it to 8 or 16 bits.")
    return image_format, IMAGE_BYTES_BESIDE + IMAGE_BYTES_PER_PIXEL * width * height


def _too_many_pixels(path: Path) -> RunError:
    return RunError(f"{path} has more than {MAX_PIXELS // 1_000_000} million pixels: crop or shrink it first.")
