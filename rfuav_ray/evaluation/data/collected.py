"""Collects what an evaluation scores, as its request says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.errors import InvalidInput
from rfuav_ray.evaluation.data.files import LabelledFile, labelled_files, unknown_files
from rfuav_ray.evaluation.data.simulated import unknown_signals
from rfuav_ray.evaluation.data.sweep import with_noise
from rfuav_ray.evaluation.data.work import Labelled, Part, Work, check_size, numbered
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.inference.sources import look_at
from rfuav_ray.inference.windows import RecordingSource
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.models.recording_settings import missing_settings, recording_settings
from rfuav_ray.walk import LeftOut, tell_left_out


@dataclass(frozen=True)
class Collected:
    work: Work
    #: files of data_path that are not evaluated, by reason
    left_out: dict[str, int]
    #: None: there are no unknown signals
    unknown_source: Literal["unknown_path", "simulated"] | None


def collect(
    request: EvaluationRequest, config: ModelConfig, report: Report, roots: Sequence[Path] = ()
) -> Collected:
    """Find everything that is scored, and look at the recordings.

    Args:
        request: With absolute paths.
        config: Of the model, with its classes in the order that counts.
        report: Receives a WARNING for everything that is assumed, doubtful or left out.
        roots: Folders that links may lead into. None: they may lead anywhere.

    Raises:
        InvalidInput: A folder has nothing that can be scored. The error names the field.
    """
    collector = _Collector(request, config, report, roots)
    items = collector.labelled(Path(request.data_path), "test")
    left_out = tell_left_out(collector.left_out, report)
    collector.left_out.clear()
    count = sum(one.picture_count for one in items)
    check_size(count, config.num_classes, field="data_path")
    if request.snr_sweep is not None:
        # Before each recording is looked at, and made as often as there are ratios
        check_size(count * len(request.snr_sweep.ratios_db), config.num_classes, field="snr_sweep")
        items += with_noise(items, request.snr_sweep, report)
    if request.calibration_path is not None:
        items += collector.labelled(Path(request.calibration_path), "fit")
    unknown, source = collector.unknown()
    tell_left_out(collector.left_out, report)
    total = sum(one.picture_count for one in (*items, *unknown))
    check_size(total, config.num_classes, field="data_path")
    return Collected(Work([*items, *unknown]), left_out, source)


class _Collector:
    def __init__(
        self, request: EvaluationRequest, config: ModelConfig, report: Report, roots: Sequence[Path]
    ) -> None:
        self._request, self._config = request, config
        self._report, self._roots = report, roots
        self.left_out: list[tuple[Path, LeftOut]] = []

    def labelled(self, path: Path, part: Literal["test", "fit"]) -> list[Labelled]:
        field = "data_path" if part == "test" else "calibration_path"
        left_out = LeftOut()
        files = labelled_files(
            path,
            self._config.class_names,
            self._request.layout if part == "test" else None,
            field=field,
            group_by_recording=self._request.group_by_recording,
            roots=self._roots,
            left_out=left_out,
            report=self._report,
        )
        return self._looked_at(files, path, part, left_out, field)

    def unknown(self) -> tuple[list[Labelled], Literal["unknown_path", "simulated"] | None]:
        if self._request.unknown_path is not None:
            path, left_out = Path(self._request.unknown_path), LeftOut()
            files = unknown_files(path, roots=self._roots, left_out=left_out)
            root = path.parent if path.is_file() else path
            return self._looked_at(files, root, "unknown", left_out, "unknown_path"), "unknown_path"
        if missing_settings(self._config, self._request):
            why = "the model's config does not say how spectrograms are drawn"
        elif found := unknown_signals(recording_settings(self._config, self._request)):
            message = (
                f"unknown_path is not set: {len(found)} windows of simulated interferers and noise are the "
                "unknown signals."
            )
            self._report(RunEvent(message=message))
            return found, "simulated"
        else:
            why = "the model's config states no sample rate, or its windows are too long"
        message = f"There are no unknown signals: unknown_path is not set, and none are simulated, because {why}."
        self._report(RunEvent(message=message))
        return [], None

    def _looked_at(
        self, files: Sequence[LabelledFile], root: Path, part: Part, left_out: LeftOut, field: str
    ) -> list[Labelled]:
        paths = [one.path for one in files]
        sources = look_at(
            paths, root, self._request, self._config, self._report, left_out=left_out, roots=self._roots
        )
        self.left_out.append((root, left_out))
        if not sources:
            raise InvalidInput(field, f"nothing in '{root}' can be evaluated. {left_out.describe(root)}")
        kept = [one for one in files if one.path in sources]
        groups = numbered([one.recording for one in kept])
        items = []
        for one, group in zip(kept, groups, strict=True):
            source = sources[one.path]
            snr_db = np.nan if one.snr_db is None else one.snr_db
            if isinstance(source, RecordingSource) and one.snr_db is not None:
                # As in a sweep: leaving out what looks like noise would flatter the model.
                source = replace(source, classifies_noise=True)
            items.append(Labelled(source, source.name, part, one.label, group, snr_db))
        return items
