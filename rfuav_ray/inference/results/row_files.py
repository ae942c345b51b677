"""A JSON file of rows, and the same rows as JSONL with an index. Written row by row in constant memory."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rfuav_ray.files import replacing
from rfuav_ray.inference.results.prediction_pages import index_entry


@contextmanager
def writing_rows(
    json_path: Path, jsonl_path: Path, index_path: Path, *, model: str, key: str
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yield a function that adds a row to all files. They appear if the block ends without error.

    Args:
        json_path: Gets `{"model": model, key: [rows]}`.
        jsonl_path: Gets the rows, a line for each.
        index_path: Gets the positions of the lines; see `prediction_pages`.
        model: The model's name.
        key: The name of the list of rows.
    """
    with ExitStack() as stack:
        json_temporary, jsonl_temporary, index_temporary = (
            stack.enter_context(replacing(path)) for path in (json_path, jsonl_path, index_path)
        )
        json_file = stack.enter_context(json_temporary.open("w", encoding="utf-8"))
        jsonl_file = stack.enter_context(jsonl_temporary.open("wb"))
        index_file = stack.enter_context(index_temporary.open("wb"))
        json_file.write(f'{{"model": {json.dumps(model)}, "{key}": [')
        index_file.write(index_entry(0))
        separator, end = "\n", 0

        def write(row: Mapping[str, Any]) -> None:
            nonlocal separator, end
            text = json.dumps(row, ensure_ascii=False, allow_nan=False)
            json_file.write(separator + text)
            end += jsonl_file.write(f"{text}\n".encode())
            index_file.write(index_entry(end))
            separator = ",\n"

        yield write
        json_file.write("\n]}\n")
