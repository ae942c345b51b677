"""The files of predictions: CSV, JSON, and JSONL with its index. Written row by row in constant memory."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rfuav_ray.api.results import Prediction
from rfuav_ray.files import replacing
from rfuav_ray.inference.prediction_pages import index_entry
from rfuav_ray.outputs.artifacts import CSV_NAME, JSON_NAME, JSONL_INDEX, JSONL_NAME

TOP = 5

_COLUMNS = ["file", "frame", "time_s", "class_name", "class_index", "probability"]
_TOP_COLUMNS = [f"top{rank}_{what}" for rank in range(1, TOP + 1) for what in ("class", "probability")]


@contextmanager
def writing_predictions(folder: Path, *, model: str) -> Iterator[Callable[[Prediction], None]]:
    """Yield a function that adds a row to all files. They appear in `folder` if the block ends without error."""
    names = (CSV_NAME, JSON_NAME, JSONL_NAME, JSONL_INDEX)
    with ExitStack() as stack:
        csv_path, json_path, jsonl_path, index_path = (
            stack.enter_context(replacing(folder / name)) for name in names
        )
        csv_file = stack.enter_context(csv_path.open("w", encoding="utf-8", newline=""))
        json_file = stack.enter_context(json_path.open("w", encoding="utf-8"))
        jsonl_file = stack.enter_context(jsonl_path.open("wb"))
        index_file = stack.enter_context(index_path.open("wb"))
        table = csv.writer(csv_file)
        table.writerow(_COLUMNS + _TOP_COLUMNS)
        json_file.write(f'{{"model": {json.dumps(model)}, "predictions": [')
        index_file.write(index_entry(0))
        separator, end = "\n", 0

        def write(prediction: Prediction) -> None:
            nonlocal separator, end
            row = json.dumps(prediction, ensure_ascii=False, allow_nan=False)
            table.writerow(_cells(prediction))
            json_file.write(separator + row)
            end += jsonl_file.write(f"{row}\n".encode())
            index_file.write(index_entry(end))
            separator = ",\n"

        yield write
        json_file.write("\n]}\n")


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
