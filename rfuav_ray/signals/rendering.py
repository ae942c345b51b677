"""Samples become one image, in the style of the settings."""

from collections.abc import Callable

from rfuav_ray.signals.stft import Samples, need_one_window, reader
from rfuav_ray.signals.stft_blocks import StftBlocks
from rfuav_ray.signals.stft_settings import StftSettings, Style
from rfuav_ray.signals.styles import peak, rfuav
from rfuav_ray.signals.styles.colors import Image

#: draws all blocks
STYLES: dict[Style, Callable[[StftBlocks, StftSettings], Image]] = {
    "rfuav": rfuav.draw,
    "peak": peak.draw,
}


def render(samples: Samples, settings: StftSettings) -> Image:
    """Draw all samples as one spectrogram.

    Returns:
        RGB uint8, shape (image_size, image_size, 3). Without `image_size` it is (1440, 1920, 3) in the style
        `rfuav`, and (stft_points, columns, 3) in the style `peak`. The highest frequency is at the top.

    Raises:
        RunError: There are fewer than `stft_points` samples.
    """
    need_one_window(len(samples), settings)
    return STYLES[settings.style](StftBlocks(reader(samples), len(samples), settings), settings)
