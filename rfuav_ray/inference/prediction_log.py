"""The finished rows of an inference, one line per picture. An interrupted one resumes after the last line."""

import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, NamedTuple, final

from pydantic import AllowInfNan, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from rfuav_ray.api.results import Prediction
from rfuav_ray.errors import RunInterrupted
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_LINE_BYTES
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.files import replacing, version_of
from rfuav_ray.inference.pictures import ImageFile, Picture, Pictures
from rfuav_ray.models.config import ModelConfig


@final
class Failure(TypedDict):
    """A picture that could not be made: its file in the results, its window if it is one, and the reason."""

    failed: str
    frame: int | None
    reason: str


Row = Prediction | Failure


class Done(NamedTuple):
    """A finished picture."""

    #: changes with what the picture is made from
    inputs: str
    row: Row
    #: of every class, if it is a window of a recording with something on the air
    probabilities: list[float] | None = None
    #: of a window: samples that were no finite numbers
    bad_samples: int = 0
    #: the model's outputs, if they were asked for
    logits: list[float] | None = None
    #: what the model's threshold is of; None: the probability
    score: Annotated[float, AllowInfNan(False)] | None = None


_DONE = TypeAdapter(Done)


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
        #: the name of the file at which `kept` ended, if it has changed
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
        """Whether there is a file whose rows cannot be used: of other work, or damaged, or not of this task."""
        with self._older_lines() as lines:
            header = _parsed(next(lines, b""))
        return os.path.lexists(self.path) and header != self._header(work)

    def kept(self, work: str, pictures: Iterable[Picture]) -> Iterator[Done]:
        """The rows that an earlier run with the same id and the same `work` has finished.

        Row i must belong to picture i. Stops at the first picture that is made from something else now, and at the
        first damaged line: a power cut can leave one.
        """
        with self._older_lines() as lines:
            if _parsed(next(lines, b"")) != self._header(work):
                return
            for line, picture in zip(lines, pictures, strict=False):
                done = _done(_parsed(line))
                if done is None or not line.endswith(b"\n") or not _is_of(done.row, picture):
                    return
                if done.inputs != picture.inputs():
                    self.changed = picture.name
                    return
                yield done

    def begin(self, work: str, rows: Iterable[Done]) -> None:
        """Start a new file with these rows. It replaces the older file, which `rows` may still be reading."""
        with replacing(self.path, flush=False) as temporary:
            self._file = temporary.open("x+b", buffering=0)
            self._write([self._header(work)])
            for row in rows:
                self.add([row])

    def add(self, rows: Sequence[Done]) -> None:
        self._write([_line(done) for done in rows])

    def rows(self) -> Iterator[Done]:
        """All rows, in order. Afterwards no rows can be added."""
        assert self._file is not None
        self._file.seek(0)
        with io.BufferedReader(self._file) as lines:
            next(lines)
            for line in lines:
                done = _done(json.loads(line))
                assert done is not None
                yield done

    def _header(self, work: str) -> dict[str, Any]:
        return {"run_id": self._run_id, "work": work}

    @contextmanager
    def _older_lines(self) -> Iterator[Iterator[bytes]]:
        """The lines of an earlier run; none if there is no such file, or if it may not be read."""
        with ExitStack() as stack:
            try:
                file = stack.enter_context(open_file(self.path))
            except OSError:
                yield iter(())
            else:
                yield iter(partial(file.readline, MAX_LINE_BYTES), b"")

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        left = memoryview(text.encode("utf-8"))
        assert self._file is not None
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error


def work_digest(config: ModelConfig, weight_path: Path, pictures: Pictures) -> str:
    """A digest of the names of the pictures, of how windows are drawn, of the config and of the weights.

    Weights count as changed if their size or time changed: reading their content would take up to a second.
    """
    digest = hashlib.sha256(f"{config.model_dump_json()} {version_of(weight_path)[1:]}".encode())
    digest.update(os.fsencode(weight_path) + b"\0")
    for one in pictures.sources:
        digest.update((os.fsencode(one.path) if isinstance(one, ImageFile) else one.name.encode()) + b"\0")
    # What earlier versions did not have comes last, so that their runs are resumed.
    for source in pictures.recordings:
        digest.update(f"{source.windowed.stft} {source.windowed.window_count}".encode())
    if config.calibration is not None:
        # Earlier versions knew no other score than the probability.
        untold = {"score"} if config.score == "probability" else set()
        digest.update(config.calibration.model_dump_json(exclude=untold).encode())
    return digest.hexdigest()


def _is_of(row: Row, picture: Picture) -> bool:
    return (row.get("file", row.get("failed")), row["frame"]) == (picture.name, picture.frame)


def _line(done: Done) -> dict[str, Any]:
    line: dict[str, Any] = {**done.row, "inputs": done.inputs}
    if done.probabilities:
        line["all"] = done.probabilities
    if done.bad_samples:
        line["bad"] = done.bad_samples
    if done.logits:
        line["logits"] = done.logits
    if done.score is not None:
        line["score"] = done.score
    return line


def _done(line: dict[str, Any]) -> Done | None:
    """The row of a parsed line; None if it has none. The line lies where others may write."""
    row: Any = dict(line)
    all_classes, bad_samples = row.pop("all", None), row.pop("bad", 0)
    logits, score = row.pop("logits", None), row.pop("score", None)
    done = Done(row.pop("inputs", None), row, all_classes, bad_samples, logits, score)
    try:
        return _DONE.validate_python(done, strict=True)
    except ValidationError:
        return None


def file_of(row: Row) -> str:
    """The file that a row is about."""
    return row["file"] if "file" in row else row["failed"]


def _parsed(line: bytes) -> dict[str, Any]:
    """The JSON object in a line; an empty one if there is none."""
    try:
        row = parse_json(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
