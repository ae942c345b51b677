"""Finds the recordings of a folder, and tells what is doubtful about them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.api.requests import RecordingFields, SpectrogramRequest
from rfuav_ray.errors import RunError
from rfuav_ray.events import Level, Report, RunEvent, clean
from rfuav_ray.files import is_image
from rfuav_ray.signals.description import Asked, Note
from rfuav_ray.signals.formats.sigmf.pair import checksum_note
from rfuav_ray.signals.plausibility.doubts import doubts
from rfuav_ray.signals.recordings import Recording, is_part_of_recording, is_recording
from rfuav_ray.walk import LeftOut, obstacle, walk_files
from rfuav_ray.wording import some

#: recordings that a message about several of them names
NAMES_SHOWN = 5


def recordings_in(source: Path, *, roots: Sequence[Path] = (), left_out: LeftOut | None = None) -> list[Path]:
    """The recording itself, or all recordings in a folder and below it, sorted; see `walk_files`."""
    if source.is_file():
        return [source]
    found = walk_files(
        source, is_recording, is_missed=lambda path: not is_part_of_recording(path), roots=roots, left_out=left_out
    )
    return sorted(found)


def files_in(
    folder: Path, *, roots: Sequence[Path] = (), left_out: LeftOut | None = None, below: Path | None = None
) -> list[Path]:
    """All images and recordings in a folder and below it, sorted; see `walk_files`."""
    found = walk_files(
        folder,
        lambda path: is_image(path) or is_recording(path),
        is_missed=lambda path: not is_part_of_recording(path),
        roots=roots,
        left_out=left_out,
        below=below,
    )
    return sorted(found)


def targets_of(paths: Sequence[Path]) -> dict[Path, Path]:
    """What the names of files made from each recording begin with: its path without suffix, if that is its own.

    a.iq and a.wav in one folder must not write the same files, nor must a.iq and a.iq.npy.
    """
    stems = Counter(path.with_suffix("") for path in paths)
    stems.update(paths)
    return {path: path.with_suffix("") if stems[path.with_suffix("")] == 1 else path for path in paths}


def asked_of(request: SpectrogramRequest | RecordingFields) -> Asked:
    """What a request says about all its recordings."""
    return Asked(
        sample_rate_hz=request.sample_rate_hz,
        center_frequency_hz=request.center_frequency_hz,
        data_type=request.data_type,
        is_real=request.real,
        variable=request.variable,
    )


class RecordingNotes:
    """Notes of recordings. The same note about many of them is told once."""

    def __init__(self) -> None:
        self._names: defaultdict[Note, list[str]] = defaultdict(list)

    def add(self, name: str, notes: Sequence[Note]) -> None:
        for note in notes:
            self._names[note].append(name)

    def tell(self, report: Report) -> None:
        for note, names in self._names.items():
            level: Level = note.level
            report(RunEvent(message=clean(f"{some_recordings(names)}: {note.message}."), level=level))


def some_recordings(names: Sequence[str]) -> str:
    """The first names, and the number of all if there are more."""
    shown = some([f"'{name}'" for name in names], NAMES_SHOWN)
    return f"{len(names)} recordings ({shown})" if len(names) > NAMES_SHOWN else shown


def require_inside(recording: Recording, roots: Sequence[Path]) -> None:
    """Raise RunError if a link leads from the samples out of `roots`. No roots: it may lead anywhere."""
    if roots and obstacle(recording.samples.path, roots):
        raise RunError(f"{recording.path}: its samples, {recording.samples.path.name}, lie outside of DATA_ROOTS.")


def notes_of_samples(recording: Recording) -> list[Note]:
    """What the samples themselves say. This reads some of them, or all for a checksum."""
    checksum = checksum_note(recording.path)
    return [*doubts(recording), *([] if checksum is None else [checksum])]
