"""What is remembered of an image: a perceptual hash, its coarse pixels, and its details.

Pictures of one receiver look alike by what stays: the noise floor, the filter's edges, a carrier at rest. Two
images are the same picture only if what is left besides agrees. So the mean of each row and of each column is
taken off before the details are compared and hashed.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rfuav_ray.images.files import read_grey

#: sides of the coarse pixels and of the details, pixels
COARSE_SIDE, DETAIL_SIDE = 16, 32
#: of the DCT's lowest frequencies, along each axis, one bit each
HASH_SIDE = 8
#: details of less, in grey levels from 0 to 255, are none: one colour, or stripes of it
LEAST_DEVIATION = 0.25
#: a standard deviation of the details as an 8-bit number; four of them fit
_DETAIL_UNIT = 31.0

#: how an image was read
READ, FLAT, UNREADABLE = 1, 2, 3

#: 1289 bytes an image
RECORD: np.dtype[Any] = np.dtype(
    [
        ("state", "u1"),
        ("hash", "<u8"),
        ("coarse", "u1", (COARSE_SIDE * COARSE_SIDE,)),
        ("detail", "i1", (DETAIL_SIDE * DETAIL_SIDE,)),
    ]
)


def record_of(path: Path) -> npt.NDArray[Any]:
    """Read an image, and return its record: RECORD, shape (1,).

    Raises:
        RunError: The image cannot be read.
    """
    grey = read_grey(path, least_side=4 * DETAIL_SIDE).astype(np.float32)
    record = np.zeros(1, RECORD)
    record["coarse"] = np.rint(_shrunk(grey, COARSE_SIDE)).ravel()
    small = _shrunk(grey, DETAIL_SIDE)
    detail = small - small.mean(0) - small.mean(1)[:, np.newaxis] + small.mean()
    deviation = float(detail.std())
    record["state"] = FLAT if deviation < LEAST_DEVIATION else READ
    if deviation >= LEAST_DEVIATION:
        record["hash"] = _hash(detail)
        record["detail"] = np.rint(detail.ravel() * _DETAIL_UNIT / deviation).clip(-127, 127)
    return record


def unreadable() -> npt.NDArray[Any]:
    """The record of an image that cannot be read."""
    record = np.zeros(1, RECORD)
    record["state"] = UNREADABLE
    return record


def _shrunk(grey: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
    """Mean values over side x side areas."""
    return np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _hash(detail: npt.NDArray[np.float32]) -> int:
    """The signs of the lowest frequencies of a DCT (pHash). The first of each axis are zero and left out."""
    frequencies = cv2.dct(detail)[1 : HASH_SIDE + 1, 1 : HASH_SIDE + 1]
    return int.from_bytes(np.packbits(frequencies > 0).tobytes(), "big")
