"""Decodes the bytes of an image, and tells whether they are all there. Knows nothing about files.

OpenCV decodes. It gives no image for most files that are cut off, with two exceptions, which are handled here: it
fills a JPEG up, and goes on after an error in a compressed TIFF.
"""

import io
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

#: Pillow's names; those of phones hold several pictures
JPEG_FORMATS = {"JPEG", "MPO"}
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
#: bytes that no marker begins with
_NOISE = b"\x55\x2b\x9d\x71" * 64


def decode(content: bytes, image_format: str, flags: int) -> npt.NDArray[Any] | None:
    """Decode an image. None if it is damaged or cut off.

    Args:
        content: The bytes of the file.
        image_format: Pillow's name of the format, such as JPEG.
        flags: OpenCV's.

    Raises:
        OSError: A TIFF is damaged. Also SyntaxError and ValueError.
        cv2.error: OpenCV refuses the image.
    """
    if image_format in JPEG_FORMATS and not _has_end(content):
        return _decode_without_end(content, flags)
    if image_format == "TIFF":
        with Image.open(io.BytesIO(content), formats=("TIFF",)) as image:
            image.load()
    return _opencv(content, flags)


def is_complete(content: bytes, image_format: str) -> bool:
    """Whether the bytes end as their format says. False: only decoding can tell."""
    if image_format in JPEG_FORMATS:
        return _has_end(content)
    if image_format == "WEBP":
        return len(content) >= 8 + int.from_bytes(content[4:8], "little")
    if image_format == "PNG":
        try:
            with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
                image.verify()  # compares the checksum of every chunk
        except (OSError, SyntaxError, ValueError):
            return False
        return b"IEND\xaeB`\x82" in content
    return False


def _has_end(content: bytes) -> bool:
    """Whether a JPEG's last scan has an end. A picture in its metadata comes before the scan."""
    return content.rfind(_END_OF_IMAGE) > content.rfind(_START_OF_SCAN)


def _decode_without_end(content: bytes, flags: int) -> npt.NDArray[Any] | None:
    """Decode a JPEG that lacks its end marker; None if pixels are missing, too.

    Decoders pass over bytes behind the last pixel, and take them for pixels if some are missing. So the image is
    decoded with and without noise in that place: it is complete if both look the same.
    """
    # A download that broke off may have left zeros. The first byte of the marker may be there.
    content = content.rstrip(b"\0").removesuffix(b"\xff")
    image = _opencv(content + _END_OF_IMAGE, flags)
    other = _opencv(content + _NOISE + _END_OF_IMAGE, flags)
    return image if image is not None and other is not None and np.array_equal(image, other) else None


def _opencv(content: bytes, flags: int) -> npt.NDArray[Any] | None:
    # cv2.imread fails on file names outside the system's encoding.
    return cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flags)
