"""Performs a run of any kind: takes the output folder, makes the files and stores the result."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from pydantic import TypeAdapter, ValidationError

from preprocessing.folders import request_identity
from preprocessing.pipeline.driver import Workers, make_files
from preprocessing.pipeline.output_folder import OutputFolder
from preprocessing.pipeline.progress import MAX_NAMED_FAILURES, failed
from preprocessing.pipeline.worker import BlockResult, Item, Work
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests import PreprocessingRequest
from rfuav_ray.api.results import FailedFile, Preprocessed, StatsT
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.files import write_text
from rfuav_ray.objects.shown import shown

#: failures that are named in the result; the log names more
FAILURES_IN_RESULT = 100


def produce(
    request: PreprocessingRequest,
    items: Sequence[Item],
    work: Work,
    *,
    output_path: Path,
    run_id: str,
    workers: Workers,
    report: Report,
    message: str,
    noun: str,
    stats_of: Callable[[BlockResult], StatsT],
    unusable: Sequence[tuple[str, str]] = (),
    cards: Mapping[str, str] | None = None,
    left_out: dict[str, int] | None = None,
) -> Preprocessed[StatsT]:
    """Make all files of a run. The same call resumes an interrupted run.

    Args:
        request: The request; its identity is stored in the output folder.
        items: The items.
        work: How to process an item.
        output_path: A new, empty or unfinished folder.
        run_id: Identifies the task.
        workers: The parallelism.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the run.
        message: The first message in the log.
        noun: The plural that progress messages use for the items' units.
        stats_of: Makes `stats` of the result.
        unusable: Files that were found unusable before, and the reason for each.
        cards: Files that describe the data set: their paths in the output folder, and their texts.
        left_out: What the input has and the items do not, by reason.

    Returns:
        `output_path`, `stats`, `failures` and, if given, `left_out`.

    Raises:
        RunError: No file could be used, or the run failed. All files that it made are removed.
        RunLost: Workers died too often. The files stay, and another run can resume.
        Exception: Whatever `report` raises. The files stay after RunInterrupted and are removed otherwise.
    """
    if not items:
        raise _nothing_usable(unusable)

    with _output(request, items, work, output_path, run_id, cards or {}) as output:
        if output.result is not None:
            return cast("Preprocessed[StatsT]", output.result)
        report(RunEvent(message=message, progress=0.0))
        if output.remark:
            report(RunEvent(message=clean(output.remark), level="WARNING"))
        _tell_what_is_finished(items, output, noun, report)
        for name, reason in unusable[:MAX_NAMED_FAILURES]:
            report(failed(name, reason))
        made = make_files(items, work, output, noun=noun, workers=workers, report=report)
        failures = [*unusable, *((items[number].source, why) for number, why in sorted(made.failures))]
        if made.done == 0:
            raise _nothing_usable(failures)
        _warn(made, items, noun, report)
        for name, text in (cards or {}).items():
            write_text(output.path / name, text)
        result = _result(output_path, stats_of(made), failures)
        if left_out is not None:
            result["left_out"] = left_out
        output.complete(result)
        return result


def _output(
    request: PreprocessingRequest,
    items: Sequence[Item],
    work: Work,
    path: Path,
    run_id: str,
    cards: Mapping[str, str],
) -> OutputFolder:
    return OutputFolder(
        path,
        request=shown(request_identity(request)),
        run_id=run_id,
        planned=lambda: _planned(items, work, cards),
        plan=_plan_of(items),
        item_count=len(items),
        is_result=partial(_is_result, request, path),
    )


def _is_result(request: PreprocessingRequest, output_path: Path, value: object) -> bool:
    """Whether a stored value can be the result of the request."""
    kind = next(kind for kind in KINDS.values() if kind.request is type(request))
    try:
        result = TypeAdapter(kind.result).validate_python(value)
    except ValidationError:
        return False
    return Path(result["output_path"]) == output_path  # type: ignore[typeddict-item]


def _result(output_path: Path, stats: StatsT, failures: Sequence[tuple[str, str]]) -> Preprocessed[StatsT]:
    named: list[FailedFile] = [{"file": clean(name), "reason": why} for name, why in failures[:FAILURES_IN_RESULT]]
    return {"output_path": str(output_path), "stats": stats, "failures": named}


def _planned(items: Sequence[Item], work: Work, cards: Mapping[str, str]) -> Iterator[str]:
    """The names of all files that the run makes."""
    yield from (name for item in items for name in work.targets(item))
    yield from cards


def _warn(made: BlockResult, items: Sequence[Item], noun: str, report: Report) -> None:
    """Say what is doubtful about the files that were made."""
    _warn_about_changes(made, noun, report)
    _warn_about(made.bad_samples, items, "samples are NaN or infinite and were replaced by 0", report)
    _warn_about(made.one_color, items, "spectrograms have one colour: they show nothing", report)


def _plan_of(items: Sequence[Item]) -> str:
    """A digest of the items. What their sources contain is noted for each item."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(repr(item).encode())
    return digest.hexdigest()


def _nothing_usable(failures: Sequence[tuple[str, str]]) -> RunError:
    name, reason = failures[0]
    return RunError(f"no input could be used ({len(failures)} failed). The first, '{clean(name)}': {reason}")


def _tell_what_is_finished(items: Sequence[Item], output: OutputFolder, noun: str, report: Report) -> None:
    if output.finished:
        finished = sum(item.count for number, item in enumerate(items) if number in output.finished)
        report(RunEvent(message=f"{finished} {noun} were finished before the interruption."))


def _warn_about_changes(made: BlockResult, noun: str, report: Report) -> None:
    if made.changed:
        message = f"The inputs of {made.changed} {noun} have changed since the interruption: they were made again."
        report(RunEvent(message=message, level="WARNING"))


def _warn_about(found: Sequence[tuple[int, int]], items: Sequence[Item], what: str, report: Report) -> None:
    """Report a WARNING for each source: `found` has numbers of items and how much of `what` they have."""
    counts: Counter[str] = Counter()
    for number, count in found:
        counts[items[number].source] += count
    for name, count in sorted(counts.items()):
        report(RunEvent(message=f"'{clean(name)}': {count} {what}.", level="WARNING"))
