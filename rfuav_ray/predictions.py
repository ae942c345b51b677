"""Reading what an inference wrote. Loads no torch."""

import json
from pathlib import Path
from typing import Any

from rfuav_ray.errors import TaskConflict


def read_predictions(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The model's name and the rows of a predictions.json. Raises TaskConflict when the file is gone."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["model"], content["predictions"]
    except FileNotFoundError:
        raise TaskConflict(f"'{path}' is gone: it was moved or deleted after the task ended.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TaskConflict(f"'{path}' cannot be read: {error}") from None
