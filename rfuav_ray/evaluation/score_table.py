"""scores.csv: what the model said of each picture, written row by row in constant memory."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rfuav_ray.evaluation.calibration import softmax
from rfuav_ray.evaluation.data.files import UNKNOWN
from rfuav_ray.evaluation.data.work import Labelled
from rfuav_ray.files import replacing
from rfuav_ray.inference.prediction_log import Done

COLUMNS = ("part", "file", "frame", "label", "snr_db", "predicted", "probability")
#: with more classes the table has no column for each, so that it stays readable
MOST_CLASS_COLUMNS = 100


@contextmanager
def writing_scores(
    path: Path, class_names: Sequence[str], temperature: float
) -> Iterator[Callable[[Labelled, Done], None]]:
    """Yield a function that adds the row of a scored picture. The file appears if the block ends without error."""
    has_all = len(class_names) <= MOST_CLASS_COLUMNS
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*COLUMNS, *(class_names if has_all else ())])

        def write(item: Labelled, done: Done) -> None:
            probabilities = softmax(np.array([done.logits], np.float32), temperature)[0]
            likeliest = int(probabilities.argmax())
            table.writerow(
                [
                    item.part,
                    item.name,
                    done.row["frame"],
                    "" if item.label == UNKNOWN else class_names[item.label],
                    "" if np.isnan(item.snr_db) else f"{item.snr_db:g}",
                    class_names[likeliest],
                    float(probabilities[likeliest]),
                    *(probabilities.tolist() if has_all else ()),
                ]
            )

        yield write
