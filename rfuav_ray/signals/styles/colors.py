"""Colour maps as tables."""

from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt

#: RGB (height, width, 3)
Image = npt.NDArray[np.uint8]


@lru_cache
def colors(name: str) -> Image:
    """RGB of the 256 levels of a matplotlib colormap: uint8 (256, 3)."""
    table: Any = matplotlib.colormaps[name](np.arange(256), bytes=True)
    return np.ascontiguousarray(table[:, :3])
