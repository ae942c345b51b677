"""Draws IQ recordings as a data set of spectrograms. Its dataset.yaml describes how they were made."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from preprocessing.folders import recordings_in, stft_settings_of
from preprocessing.pipeline.driver import Workers
from preprocessing.pipeline.produce import produce
from preprocessing.pipeline.worker import Item, Work
from preprocessing.spectrogram_plan import check_plan
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.api.results import SpectrogramResult, SpectrogramStats
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import Report, RunEvent, clean, ignore
from rfuav_ray.signals.recordings import Recording, open_recording
from rfuav_ray.signals.spectrogram import iter_spectrograms, save_spectrogram, spectrogram_count
from rfuav_ray.signals.stft_settings import StftSettings

#: samples of one item: large enough to outweigh its overhead, small enough for frequent progress reports
SAMPLES_PER_ITEM = 2**22
MAX_SPECTROGRAMS_PER_ITEM = 16


def draw(item: Item, output: Path, *, source: Path, settings: StftSettings, data_type: str | None) -> int:
    """Write the item's spectrograms of a recording.

    Returns:
        How many of their samples are NaN or infinite.

    Raises:
        RunError: The recording cannot be read.
    """
    bad_samples = 0
    recording = open_recording(source / item.source, data_type=data_type)
    for drawn in iter_spectrograms(recording, settings, first=item.first, count=item.count):
        save_spectrogram(output / _picture_name(item, drawn.index), drawn.image)
        bad_samples += drawn.bad_samples
    return bad_samples


def samples_digest(item: Item, *, source: Path, settings: StftSettings, data_type: str | None) -> str:
    """A digest of the item's samples and of what describes them. Raises RunError if they cannot be read."""
    recording = open_recording(source / item.source, data_type=data_type)
    settings = settings.at_rate(recording.sample_rate_hz)
    step = settings.samples_between_spectrograms
    return recording.digest(item.first * step, (item.count - 1) * step + settings.samples_per_spectrogram)


def run(
    request: SpectrogramRequest, *, run_id: str, workers: Workers, report: Report = ignore
) -> SpectrogramResult:
    """Draw the recordings of `input_path` into the same folders below `output_path`; see `produce`.

    Raises:
        InvalidInput: They give too many spectrograms; see `check_plan`.
    """
    source = Path(request.input_path)
    settings = stft_settings_of(request)
    root = source.parent if source.is_file() else source
    found, unusable = _look_at(recordings_in(source), root, settings, request.data_type, report)
    check_plan([(one.settings, one.spectrogram_count) for one in found], Path(request.output_path))
    items = [
        Item(source=one.name, target=one.target, first=first, count=min(one.step, one.spectrogram_count - first))
        for one in found
        for first in range(0, one.spectrogram_count, one.step)
    ]
    return produce(
        request,
        items,
        Work(
            targets=_targets,
            make=partial(draw, source=root, settings=settings, data_type=request.data_type),
            inputs=partial(samples_digest, source=root, settings=settings, data_type=request.data_type),
            largest_block=32,
        ),
        output_path=Path(request.output_path),
        run_id=run_id,
        workers=workers,
        report=report,
        message=f"Drawing {sum(item.count for item in items)} spectrograms of {len(found)} recordings.",
        noun="spectrograms",
        stats_of=lambda made: _stats(items, {number for number, _ in made.failures}, unusable),
        unusable=unusable,
        dataset_file=lambda _: _dataset_file(request, settings, found),
    )


@dataclass(frozen=True)
class _Found:
    #: relative to the input
    name: str
    #: name of its spectrograms, without their number
    target: str
    recording: Recording
    #: at the recording's sample rate
    settings: StftSettings
    spectrogram_count: int
    seconds_between_pictures: float
    #: spectrograms of one item
    step: int


def _look_at(
    paths: Sequence[Path], root: Path, settings: StftSettings, data_type: str | None, report: Report
) -> tuple[list[_Found], list[tuple[str, str]]]:
    """The usable recordings, and the names of the others with the reason."""
    stems = Counter(path.with_suffix("") for path in paths)
    stems.update(paths)
    found, unusable = [], []
    for path in paths:
        name = str(path.relative_to(root))
        try:
            recording = open_recording(path, data_type=data_type)
            count = spectrogram_count(recording, settings)
        except (RunError, InvalidInput) as error:
            unusable.append((name, clean(str(error))))
            continue
        report(RunEvent())  # raises if the task was cancelled, as this loop may take long
        # a.iq and a.wav in one folder must not write the same files, nor must a.iq and a.iq.npy.
        target = path.with_suffix("") if stems[path.with_suffix("")] == 1 else path
        own = settings.at_rate(recording.sample_rate_hz)
        found.append(
            _Found(
                name=name,
                target=str(target.relative_to(root)),
                recording=recording,
                settings=own,
                spectrogram_count=count,
                seconds_between_pictures=own.samples_between_spectrograms / own.sample_rate_hz,
                step=max(1, min(MAX_SPECTROGRAMS_PER_ITEM, SAMPLES_PER_ITEM // own.samples_per_spectrogram)),
            )
        )
    return found, unusable


def _stats(items: Sequence[Item], failed: set[int], unusable: Sequence[tuple[str, str]]) -> SpectrogramStats:
    drawn = [item for number, item in enumerate(items) if number not in failed]
    failed_recordings = {items[number].source for number in failed} | {name for name, _ in unusable}
    folders = {Path(item.target).parts[0] for item in drawn if len(Path(item.target).parts) > 1}
    return {
        "recordings": len({item.source for item in drawn}),
        "pictures": sum(item.count for item in drawn),
        "failed": len(failed_recordings),
        "classes": sorted(clean(name) for name in folders),
    }


def _dataset_file(request: SpectrogramRequest, settings: StftSettings, found: Sequence[_Found]) -> str:
    """dataset.yaml: `stft`, which training copies to the model's config, and the source of each spectrogram."""
    rates_hz = {one.recording.sample_rate_hz or settings.sample_rate_hz for one in found}
    if len(rates_hz) == 1:
        settings = settings.model_copy(update={"sample_rate_hz": rates_hz.pop()})
    content = {
        "stft": settings.model_dump(mode="json"),
        "input_path": clean(request.input_path),
        "recordings": [
            {
                "recording": clean(one.name),
                # Spectrogram i begins at i * seconds_between_pictures in the recording.
                "pictures": f"{clean(one.target)}_<number>.png",
                "count": one.spectrogram_count,
                "seconds_between_pictures": one.seconds_between_pictures,
                "sample_rate_hz": one.recording.sample_rate_hz or settings.sample_rate_hz,
                "data_type": one.recording.data_type,
                "center_frequency_hz": one.recording.center_frequency_hz or request.center_frequency_hz,
            }
            for one in found
        ],
    }
    return yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def _targets(item: Item) -> list[str]:
    return [_picture_name(item, item.first + number) for number in range(item.count)]


def _picture_name(item: Item, number: int) -> str:
    return f"{item.target}_{number:05d}.png"
