"""Files of weights, good ones and traps."""

from pathlib import Path
from typing import Any

import torch


def saved(folder: Path, content: object, **options: bool) -> Path:
    path = folder / "weights.pth"
    torch.save(content, path, **options)
    return path


class Touch:
    """Makes a file when it is unpickled by something that trusts it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)
