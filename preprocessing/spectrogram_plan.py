"""Refuses plans of too many spectrograms, and of more bytes than the disk has free.

Imports no Ray Data and no torch.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.errors import InvalidInput
from rfuav_ray.outputs.manifest import holds_files
from rfuav_ray.signals.stft_settings import RFUAV_CANVAS, StftSettings

MAX_SPECTROGRAMS = 1_000_000
#: A low estimate, half of the least that PNG files of signals with noise took: 0.4 to 2.8 bytes a pixel over
#: colour maps, sizes and ranges, and 0.2 with noise in a tenth of the time. Only signals without noise take less.
LEAST_BYTES_PER_VALUE = 0.1

#: for each recording the settings at its sample rate, and its number of spectrograms
Plan = Sequence[tuple[StftSettings, int]]


def check_plan(plan: Plan, output: Path) -> None:
    """Check how many spectrograms are to be drawn, and whether the disk of the output folder can hold them.

    Args:
        plan: What is to be drawn.
        output: The output folder. If it holds files, a run resumes, and its plan has passed before.

    Raises:
        InvalidInput: The plan is too large.
    """
    if output.is_dir() and holds_files(output):
        return
    total = sum(count for _, count in plan)
    if total > MAX_SPECTROGRAMS:
        raise InvalidInput(
            "duration_s",
            f"the input gives {total:,} spectrograms, and at most {MAX_SPECTROGRAMS:,} are drawn. Increase "
            "duration_s, reduce overlap, or draw the input in parts.",
        )
    needed = sum(count * _least_bytes(settings) for settings, count in plan)
    disk = shutil.disk_usage(next(folder for folder in (output, *output.parents) if folder.exists()))
    # File systems that do not know their size say 0.
    if disk.total and needed > disk.free:
        raise InvalidInput(
            "output_path",
            f"{total:,} spectrograms take at least {_gigabytes(needed)}, and the disk of '{output}' has "
            f"{_gigabytes(disk.free)} free. Choose another disk, increase duration_s, or reduce overlap or "
            "image_size.",
        )


def _least_bytes(settings: StftSettings) -> float:
    values = settings.stft_points * settings.columns(settings.samples_per_spectrogram)
    # More pixels than values are interpolated, and tell nothing new.
    if settings.image_size is not None:
        values = min(values, settings.image_size**2)
    elif settings.style == "rfuav":
        values = min(values, RFUAV_CANVAS[0] * RFUAV_CANVAS[1])
    return values * LEAST_BYTES_PER_VALUE


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
