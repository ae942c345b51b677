"""Config files of `rfuav train` and `rfuav infer`."""

from pathlib import Path

import yaml

FULL = {"model": "resnet18", "num_classes": 2, "train_path": "a", "val_path": "b", "save_path": "c"}


def config(folder: Path, content: object, name: str = "run.yaml") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path
