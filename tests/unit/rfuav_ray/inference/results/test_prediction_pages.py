"""Pages of predictions are cut from the file by position; what does not fit its index is refused."""

import json

import pytest

from rfuav_ray.api.results import Prediction
from rfuav_ray.errors import TaskConflict
from rfuav_ray.inference.results.prediction_pages import read_json, read_page
from rfuav_ray.inference.results.predictions import writing_predictions

ROWS = 300


@pytest.fixture
def file(tmp_path):
    """predictions.jsonl with ROWS rows of many lengths."""
    with writing_predictions(tmp_path, model="resnet18") as write:
        for number in range(ROWS):
            write(prediction(number))
    return tmp_path / "predictions.jsonl"


def prediction(number):
    # U+2028 ends a line of text, but not a line of a file.
    name = f"无人机\u2028{'x' * (number % 7)}{number}.png"
    probability = round(1 / (number + 1), 6)
    return Prediction(
        file=name,
        frame=None,
        time_s=None,
        class_name="drone\n\r",
        class_index=number,
        probability=probability,
        top5=[{"class_name": "drone\n\r", "probability": probability}],
        unknown=None,
    )


@pytest.mark.parametrize("offset", [0, 1, 150, ROWS - 1, ROWS, ROWS + 1, 10**12])
@pytest.mark.parametrize("limit", [1, 7, ROWS, 10_000])
def test_prediction_pages_are_slices_of_all_rows(file, offset, limit):
    model, rows = read_json(file.with_suffix(".json"))
    assert model == "resnet18" and rows == [prediction(number) for number in range(ROWS)]
    assert read_page(file, offset, limit) == (ROWS, rows[offset : offset + limit])


def test_prediction_pages_the_file_is_a_row_a_line(file):
    lines = file.read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [prediction(number) for number in range(ROWS)]


def test_prediction_pages_only_the_rows_of_a_page_are_read(file):
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(
        b"".join(line if 100 <= number < 110 else b"?" * len(line) for number, line in enumerate(lines))
    )
    assert read_page(file, 100, 10) == (ROWS, [prediction(number) for number in range(100, 110)])
    with pytest.raises(TaskConflict, match=r"predictions\.jsonl' cannot be read"):
        read_page(file, 99, 10)


def test_prediction_pages_no_rows_are_a_page_too(tmp_path):
    with writing_predictions(tmp_path, model="resnet18"):
        pass
    assert read_page(tmp_path / "predictions.jsonl", 0, 100) == (0, [])


@pytest.mark.parametrize("name", ["predictions.jsonl", "predictions.index"])
def test_prediction_pages_a_missing_file_is_named(file, name):
    file.with_name(name).unlink()
    with pytest.raises(TaskConflict, match=f"{name}' is missing"):
        read_page(file, 0, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines, index: (lines + b"{}\n", index),
        lambda lines, index: (lines[:-1], index),
        lambda lines, index: (lines, index[:-8]),
        lambda lines, index: (lines, b""),
        lambda lines, index: (b"", b""),
        lambda lines, index: (lines.replace(b"\n", b" ", 1), index),
        lambda lines, index: (lines.replace(b'": null', b'":\nnull', 1), index),
    ],
)
def test_prediction_pages_a_changed_file_is_refused(file, change):
    index = file.with_name("predictions.index")
    lines, positions = change(file.read_bytes(), index.read_bytes())
    file.write_bytes(lines)
    index.write_bytes(positions)
    with pytest.raises(TaskConflict, match=r"predictions\.jsonl' cannot be read: "):
        read_page(file, 0, 2)


def test_prediction_pages_a_damaged_json_of_an_older_version_is_refused(tmp_path):
    file = tmp_path / "predictions.json"
    for text in ("", "[]", '{"model": "resnet18"}'):
        file.write_text(text)
        with pytest.raises(TaskConflict, match=r"predictions\.json' cannot be read"):
            read_json(file)
    file.unlink()
    with pytest.raises(TaskConflict, match=r"predictions\.json' is missing"):
        read_json(file)
