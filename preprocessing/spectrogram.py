"""Draws IQ recordings as a data set of spectrograms. Its dataset.yaml describes how they were made."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from preprocessing.dataset_file import dataset_file
from preprocessing.folders import stft_settings_of
from preprocessing.found_recordings import FoundRecording, look_at
from preprocessing.iq_copies import Copies, prepare_copies
from preprocessing.pipeline.driver import Workers
from preprocessing.pipeline.produce import produce
from preprocessing.pipeline.worker import Doubtful, Item, Work, check_permit
from preprocessing.spectrogram_plan import check_plan
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.api.results import SpectrogramResult, SpectrogramStats
from rfuav_ray.events import Report, clean, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.outputs.artifacts import DATASET_FILE
from rfuav_ray.signals.description import Asked
from rfuav_ray.signals.finding import asked_of, recordings_in
from rfuav_ray.signals.recordings import Recording, open_recording
from rfuav_ray.signals.spectrogram import iter_spectrograms, save_spectrogram
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.walk import LeftOut, tell_left_out


def draw(
    item: Item, output: Path, *, source: Path, settings: StftSettings, asked: Asked, copies: Copies | None = None
) -> Doubtful:
    """Write the item's spectrograms of a recording. Raises RunError if it cannot be read."""
    bad_samples = one_color = 0
    recording = _recording(item, source, settings, asked, copies)
    for drawn in iter_spectrograms(recording, settings, first=item.first, count=item.count, go_on=check_permit):
        save_spectrogram(output / _picture_name(item, drawn.index), drawn.image)
        bad_samples += drawn.bad_samples
        one_color += bool((drawn.image == drawn.image[0, 0]).all())
    return Doubtful(bad_samples, one_color)


def samples_digest(
    item: Item, *, source: Path, settings: StftSettings, asked: Asked, copies: Copies | None = None
) -> str:
    """A digest of the item's samples and of what describes them. Raises RunError if they cannot be read."""
    recording = _recording(item, source, settings, asked, copies)
    settings = settings.at_rate(recording.sample_rate_hz)
    step = settings.samples_between_spectrograms
    count = (item.count - 1) * step + settings.samples_per_spectrogram
    return recording.digest(item.first * step, count, go_on=check_permit)


def _recording(item: Item, source: Path, settings: StftSettings, asked: Asked, copies: Copies | None) -> Recording:
    """The item's recording, or the copy of it. Raises RunError."""
    recording = open_recording(source / item.source, **vars(asked))
    if copies is None or not item.copy:
        return recording
    return copies.make(recording, item.source, item.copy, settings.at_rate(recording.sample_rate_hz))


@confined
def run(
    request: SpectrogramRequest,
    *,
    run_id: str,
    workers: Workers,
    report: Report = ignore,
    roots: Sequence[Path] = (),
) -> SpectrogramResult:
    """Draw the recordings of `input_path` into the same folders below `output_path`; see `produce`.

    Links are followed into `roots`; see `walk_files`.

    Raises:
        InvalidInput: They give too many spectrograms; see `check_plan`.
    """
    source = Path(request.input_path)
    settings = stft_settings_of(request)
    root = source.parent if source.is_file() else source
    asked = asked_of(request)
    left_out = LeftOut()
    paths = recordings_in(source, roots=roots, left_out=left_out)
    found, unusable = look_at(paths, root, settings, asked, report, roots)
    times = 1 + request.iq_copies
    check_plan([(one.settings, one.spectrogram_count * times) for one in found], Path(request.output_path))
    copies = prepare_copies(request, found, report, roots)
    items = _items(found, request.iq_copies)
    return produce(
        request,
        items,
        Work(
            targets=_targets,
            make=partial(draw, source=root, settings=settings, asked=asked, copies=copies),
            inputs=partial(samples_digest, source=root, settings=settings, asked=asked, copies=copies),
            largest_block=32,
        ),
        output_path=Path(request.output_path),
        run_id=run_id,
        workers=workers,
        report=report,
        message=_message(items, found, request.iq_copies),
        noun="spectrograms",
        stats_of=lambda made: _stats(items, {number for number, _ in made.failures}, unusable),
        unusable=unusable,
        left_out=tell_left_out([(source, left_out)], report),
        cards={DATASET_FILE: dataset_file(request.input_path, settings, found, copies)},
    )


def _items(found: Sequence[FoundRecording], copies: int) -> list[Item]:
    return [
        Item(one.name, one.target, first, min(one.step, one.spectrogram_count - first), copy)
        for one in found
        for copy in range(copies + 1)
        for first in range(0, one.spectrogram_count, one.step)
    ]


def _message(items: Sequence[Item], found: Sequence[FoundRecording], copies: int) -> str:
    message = f"Drawing {sum(item.count for item in items)} spectrograms of {len(found)} recordings"
    return f"{message}, each unchanged and in {copies} changed copies." if copies else f"{message}."


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


def _targets(item: Item) -> list[str]:
    return [_picture_name(item, item.first + number) for number in range(item.count)]


def _picture_name(item: Item, number: int) -> str:
    copy = f"_iq{item.copy}" if item.copy else ""
    return f"{item.target}_{number:05d}{copy}.png"
