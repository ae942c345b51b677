"""Small data sets for audits."""

from collections.abc import Iterable
from pathlib import Path


def write(folder: Path, *names: str, content: str = "") -> Path:
    """Write files that have names and different bytes of the same size, like images without compression."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content or name:>200}")
    return folder


def frames(class_name: str, recording: str, numbers: Iterable[int] = range(3)) -> list[str]:
    return [f"{class_name}/{recording}_{number:05d}.png" for number in numbers]
