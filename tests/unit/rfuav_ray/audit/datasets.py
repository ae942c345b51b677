"""Small data sets for audits."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 64


def write(folder: Path, *names: str, content: str = "") -> Path:
    """Write files that have names and different bytes of the same size, like images without compression."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content or name:>200}")
    return folder


def frames(class_name: str, recording: str, numbers: Iterable[int] = range(3)) -> list[str]:
    return [f"{class_name}/{recording}_{number:05d}.png" for number in numbers]


def picture(lines: int, noise: int) -> npt.NDArray[np.uint8]:
    """Grey pixels like a spectrogram's: lines that are a recording's own, and noise that is the picture's."""
    levels = np.random.default_rng(lines).normal(110, 25, (SIDE, 1))
    pixels = levels + np.random.default_rng(1000 + noise).normal(0, 20, (SIDE, SIDE))
    return pixels.clip(0, 255).astype(np.uint8)


def save(path: Path, pixels: npt.NDArray[Any], *options: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels, list(options))[1].tobytes())


def make_recordings(folder: Path, recordings: dict[str, Iterable[int]], count: int = 4) -> Path:
    """Write `count` pictures of each recording; `recordings` are those of each part, for two classes."""
    noise = 0
    for part, numbers in recordings.items():
        for number in numbers:
            for class_number, class_name in enumerate("ab"):
                for frame in range(count):
                    noise += 1
                    path = folder / part / class_name / f"r{number}_{frame:03}.png"
                    save(path, picture(2 * number + class_number, noise + 1000 * number))
    return folder
