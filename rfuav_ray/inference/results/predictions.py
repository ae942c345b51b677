"""The rows of predictions, and their files: CSV, JSON, and JSONL with its index."""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from rfuav_ray.api.results import Candidate, Prediction
from rfuav_ray.files import replacing
from rfuav_ray.inference.classifier import Probabilities
from rfuav_ray.inference.results.row_files import writing_rows
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.outputs.artifacts import CSV_NAME, JSON_NAME, JSONL_INDEX, JSONL_NAME

TOP = 5
#: decimals of probabilities
DECIMALS = 6

_COLUMNS = ["file", "frame", "time_s", "class_name", "class_index", "probability"]
_TOP_COLUMNS = [f"top{rank}_{what}" for rank in range(1, TOP + 1) for what in ("class", "probability")]


def prediction(
    file: str,
    frame: int | None,
    time_s: float | None,
    probabilities: Probabilities | None,
    config: ModelConfig,
    score: float | None = None,
) -> Prediction:
    """The row of a picture. Without probabilities nothing is on the air.

    `score` is that of the config's threshold; None: it is the probability.
    """
    if probabilities is None:
        return Prediction(
            file=file,
            frame=frame,
            time_s=time_s,
            class_name=None,
            class_index=None,
            probability=None,
            top5=[],
            unknown=None,
        )
    likeliest = np.argsort(-probabilities, kind="stable")[:TOP].tolist()
    top5 = [
        Candidate(class_name=config.class_names[index], probability=round(float(probabilities[index]), DECIMALS))
        for index in likeliest
    ]
    return Prediction(
        file=file,
        frame=frame,
        time_s=time_s,
        class_name=top5[0]["class_name"],
        class_index=likeliest[0],
        probability=top5[0]["probability"],
        top5=top5,
        unknown=None
        if config.threshold is None
        else (top5[0]["probability"] if score is None else score) < config.threshold,
    )


def rounded(probabilities: Probabilities) -> list[float]:
    return [round(value, DECIMALS) for value in probabilities.tolist()]


@contextmanager
def writing_predictions(folder: Path, *, model: str) -> Iterator[Callable[[Prediction], None]]:
    """Yield a function that adds a row to all files. They appear in `folder` if the block ends without error."""
    names = (JSON_NAME, JSONL_NAME, JSONL_INDEX)
    with ExitStack() as stack:
        csv_path = stack.enter_context(replacing(folder / CSV_NAME))
        csv_file = stack.enter_context(csv_path.open("w", encoding="utf-8", newline=""))
        paths = (folder / name for name in names)
        write_row = stack.enter_context(writing_rows(*paths, model=model, key="predictions"))
        table = csv.writer(csv_file)
        table.writerow([*_COLUMNS, *_TOP_COLUMNS, "unknown"])

        def write(row: Prediction) -> None:
            table.writerow(_cells(row))
            write_row(row)

        yield write


def _cells(row: Prediction) -> list[str | int | float | None]:
    cells: list[str | int | float | None] = [
        row["file"],
        row["frame"],
        row["time_s"],
        row["class_name"],
        row["class_index"],
        row["probability"],
    ]
    for candidate in row["top5"]:
        cells += [candidate["class_name"], candidate["probability"]]
    cells += [None] * (len(_COLUMNS) + len(_TOP_COLUMNS) - len(cells))
    return [*cells, None if row["unknown"] is None else str(row["unknown"]).lower()]
