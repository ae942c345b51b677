"""The finished rows of an inference, one line per image. An interrupted inference resumes after the last line."""

import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, final

from rfuav_ray.api.results import Prediction
from rfuav_ray.errors import RunInterrupted
from rfuav_ray.files import content_digest, replacing, version_of
from rfuav_ray.models.config import ModelConfig


@final
class Failure(TypedDict):
    """An image that could not be read: its name in the results, and the reason."""

    failed: str
    reason: str


Row = Prediction | Failure
#: a row, and the digest of the image's content
Done = tuple[str, Row]


class PredictionLog:
    """A hidden file in the results folder. The context manager keeps it only after an interruption or a kill.

    Each `run_id` has its own file. Only a later run with the same id reads it.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        digest = hashlib.sha256(run_id.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        # Without an id the run cannot be identified later, so its file gets a random name.
        name = f".predictions-{digest}.jsonl" if run_id else f".{uuid.uuid4().hex}.tmp.jsonl"
        self.path = folder / name
        self._run_id = run_id
        self._file: io.FileIO | None = None
        #: the name of the image at which `kept` ended, if its content has changed
        self.changed: str | None = None

    def __enter__(self) -> "PredictionLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        is_to_stay = isinstance(error, RunInterrupted) or not isinstance(error, Exception | None)
        if not is_to_stay:
            with suppress(OSError):  # the file or its folder may not exist yet
                self.path.unlink()

    def has_other_work(self, work: str) -> bool:
        """Whether an earlier run with the same id did other work, so that its rows cannot be used."""
        with self._older_lines() as lines:
            header = _parsed(next(lines, b""))
        return header.get("run_id") == self._run_id and header.get("work") != work

    def kept(self, work: str, images: Iterable[tuple[str, Path]]) -> Iterator[Done]:
        """The rows that an earlier run with the same id and the same `work` has finished.

        Row i must belong to image i of `images`, which are names and paths. Stops at the first image whose content
        has changed, and at the first damaged line: a power cut can leave one.
        """
        with self._older_lines() as lines:
            if _parsed(next(lines, b"")) != self._header(work):
                return
            for line, (name, path) in zip(lines, images, strict=False):
                row: Any = _parsed(line)
                if name not in (row.get("file"), row.get("failed")) or not line.endswith(b"\n"):
                    return
                inputs = content_digest(path)
                if row.pop("inputs", None) != inputs:
                    self.changed = name
                    return
                yield inputs, row

    def begin(self, work: str, rows: Iterable[Done]) -> None:
        """Start a new file with these rows. It replaces the older file, which `rows` may still be reading."""
        with replacing(self.path, flush=False) as temporary:
            self._file = temporary.open("x+b", buffering=0)
            self._write([self._header(work)])
            for row in rows:
                self.add([row])

    def add(self, rows: Sequence[Done]) -> None:
        self._write([{**row, "inputs": inputs} for inputs, row in rows])

    def predictions(self) -> Iterator[Prediction]:
        """All predictions, in order. Afterwards no rows can be added."""
        assert self._file is not None
        self._file.seek(0)
        with io.BufferedReader(self._file) as lines:
            for line in lines:
                row = json.loads(line)
                if "file" in row:
                    del row["inputs"]
                    yield row

    def _header(self, work: str) -> dict[str, Any]:
        return {"run_id": self._run_id, "work": work}

    @contextmanager
    def _older_lines(self) -> Iterator[Iterator[bytes]]:
        if not self.path.is_file():
            yield iter(())
            return
        with self.path.open("rb") as lines:
            yield lines

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        left = memoryview(text.encode("utf-8"))
        assert self._file is not None
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error


def work_digest(config: ModelConfig, weight_path: Path, images: Sequence[Path]) -> str:
    """A digest of the names of the images, of the config and of the weights.

    Weights count as changed if their size or time changed: reading their content would take up to a second.
    """
    digest = hashlib.sha256(f"{config.model_dump_json()} {version_of(weight_path)[1:]}".encode())
    for path in (weight_path, *images):
        digest.update(os.fsencode(path) + b"\0")
    return digest.hexdigest()


def _parsed(line: bytes) -> dict[str, Any]:
    """The JSON object in a line; an empty one if there is none."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
