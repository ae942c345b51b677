"""`predictions.csv` and `predictions.json`, written row by row in constant memory."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rfuav_ray.api.results import Prediction, Predictions
from rfuav_ray.errors import TaskConflict
from rfuav_ray.files import replacing
from rfuav_ray.outputs.artifacts import CSV_NAME, JSON_NAME

TOP = 5

_COLUMNS = ["file", "frame", "time_s", "class_name", "class_index", "probability"]
_TOP_COLUMNS = [f"top{rank}_{what}" for rank in range(1, TOP + 1) for what in ("class", "probability")]


@contextmanager
def writing_predictions(folder: Path, *, model: str) -> Iterator[Callable[[Prediction], None]]:
    """Yield a function that adds a row to both files. They appear in `folder` if the block ends without error."""
    with ExitStack() as stack:
        csv_path = stack.enter_context(replacing(folder / CSV_NAME))
        json_path = stack.enter_context(replacing(folder / JSON_NAME))
        csv_file = stack.enter_context(csv_path.open("w", encoding="utf-8", newline=""))
        json_file = stack.enter_context(json_path.open("w", encoding="utf-8"))
        table = csv.writer(csv_file)
        table.writerow(_COLUMNS + _TOP_COLUMNS)
        json_file.write(f'{{"model": {json.dumps(model)}, "predictions": [')
        separator = "\n"

        def write(prediction: Prediction) -> None:
            nonlocal separator
            table.writerow(_cells(prediction))
            json_file.write(separator + json.dumps(prediction, ensure_ascii=False, allow_nan=False))
            separator = ",\n"

        yield write
        json_file.write("\n]}\n")


def read_predictions(path: Path) -> tuple[str, list[Prediction]]:
    """The model's name and the rows of a predictions.json. Raises TaskConflict if the file cannot be read."""
    try:
        content: Predictions = json.loads(path.read_text(encoding="utf-8"))
        return content["model"], content["predictions"]
    except FileNotFoundError:
        raise TaskConflict(f"'{path}' is missing: it was moved or deleted after the task ended.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TaskConflict(f"'{path}' cannot be read: {error}") from None


def _cells(prediction: Prediction) -> list[str | int | float | None]:
    cells: list[str | int | float | None] = [
        prediction["file"],
        prediction["frame"],
        prediction["time_s"],
        prediction["class_name"],
        prediction["class_index"],
        prediction["probability"],
    ]
    for candidate in prediction["top5"]:
        cells += [candidate["class_name"], candidate["probability"]]
    return cells + [None] * (len(_COLUMNS) + len(_TOP_COLUMNS) - len(cells))
