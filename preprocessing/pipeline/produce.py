"""One run, whatever its kind: take the output folder, make the files, note the result."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from preprocessing.folders import request_identity
from preprocessing.pipeline.driver import FAILURES_NAMED, Item, Tally, Work, Workers, failed, make_files
from preprocessing.pipeline.output_folder import OutputFolder
from rfuav_ray.api.requests import PreprocessingRequest
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.files import write_text
from rfuav_ray.outputs.artifacts import DATASET_FILE

#: in the result; the log names more
FAILURES_IN_RESULT = 100


def produce(
    request: PreprocessingRequest,
    items: Sequence[Item],
    work: Work,
    *,
    source: Path,
    output_path: Path,
    run_id: str,
    workers: Workers,
    report: Report,
    message: str,
    noun: str,
    stats_of: Callable[[Tally], dict[str, Any]],
    unusable: Sequence[tuple[str, str]] = (),
    dataset_file: Callable[[Tally], str] | None = None,
) -> dict[str, Any]:
    """Make all files; returns output_path, stats and failures. A run that is told the same again goes on.

    Items name their files relative to `source`. `unusable` names files that were found to be bad beforehand, with
    the reason; `dataset_file` gives the content of dataset.yaml. Raises RunError when not one file could be used,
    and whatever `report` raises; then nothing stays of what was made.
    """
    if not items:
        raise _nothing_usable(unusable)

    def planned() -> Iterable[str]:
        yield from (name for item in items for name in work.targets(item))
        if dataset_file:
            yield DATASET_FILE

    output = OutputFolder(
        output_path,
        request=request_identity(request),
        run_id=run_id,
        planned=planned,
        plan=_fingerprint(items, source),
    )
    with output:
        if output.result is not None:
            return output.result
        report(RunEvent(message=message, progress=0.0))
        for name, reason in unusable[:FAILURES_NAMED]:
            report(failed(name, reason))
        tally = make_files(items, work, output, noun=noun, workers=workers, report=report)
        failures = [*unusable, *((items[number].source, why) for number, why in sorted(tally.failures))]
        if tally.done == 0:
            raise _nothing_usable(failures)
        _tell_of_bad_samples(items, tally, report)
        if dataset_file:
            write_text(output.path / DATASET_FILE, dataset_file(tally))
        result = {
            "output_path": str(output_path),
            "stats": stats_of(tally),
            "failures": [{"file": clean(name), "reason": why} for name, why in failures[:FAILURES_IN_RESULT]],
        }
        output.complete(result)
        return result


def _fingerprint(items: Sequence[Item], source: Path) -> str:
    """Of what is made of which files: size and time say whether a file is still the same."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(repr((item.source, item.target, item.first, item.count)).encode())
        with suppress(OSError):  # a link to nowhere
            state = (source / item.source).stat()
            digest.update(f"{state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()


def _nothing_usable(failures: Sequence[tuple[str, str]]) -> RunError:
    name, reason = failures[0]
    return RunError(f"nothing could be used ({len(failures)} failed); the first, '{clean(name)}': {reason}")


def _tell_of_bad_samples(items: Sequence[Item], tally: Tally, report: Report) -> None:
    counts: Counter[str] = Counter()
    for number, count in tally.bad_samples:
        counts[items[number].source] += count
    for name, count in sorted(counts.items()):
        message = f"'{name}': {count} samples are NaN or infinite and were taken as 0."
        report(RunEvent(message=message, level="WARNING"))
