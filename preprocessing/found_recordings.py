"""Looks at the recordings of an input before they are drawn, and reports what is doubtful about them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.signals.description import Asked, Note
from rfuav_ray.signals.finding import RecordingNotes, notes_of_samples, require_inside, some_recordings, targets_of
from rfuav_ray.signals.recordings import Recording, open_recording
from rfuav_ray.signals.spectrogram import spectrogram_count
from rfuav_ray.signals.stft_settings import StftSettings

#: samples of one item: large enough to outweigh its overhead, small enough for frequent progress reports
SAMPLES_PER_ITEM = 2**22
MAX_SPECTROGRAMS_PER_ITEM = 16


@dataclass(frozen=True)
class FoundRecording:
    """A usable recording and what it gives."""

    #: relative to the input
    name: str
    #: name of its spectrograms, without their number
    target: str
    recording: Recording
    #: at the recording's sample rate
    settings: StftSettings
    spectrogram_count: int
    #: spectrograms of one item
    step: int

    @property
    def seconds_between_pictures(self) -> float:
        return self.settings.samples_between_spectrograms / self.settings.sample_rate_hz


def look_at(
    paths: Sequence[Path],
    root: Path,
    settings: StftSettings,
    asked: Asked,
    report: Report,
    roots: Sequence[Path] = (),
) -> tuple[list[FoundRecording], list[tuple[str, str]]]:
    """Open the recordings.

    Args:
        paths: The recordings.
        root: Their names are relative to this folder.
        settings: Their own sample rate overrides the rate of these.
        asked: What the request says about all of them.
        report: Receives what is doubtful. Raises if the task was cancelled.
        roots: Links to samples may lead into these folders. None: they may lead anywhere.

    Returns:
        The usable recordings, and the names of the others with the reason.
    """
    targets = targets_of(paths)
    found: list[FoundRecording] = []
    unusable: list[tuple[str, str]] = []
    notes = RecordingNotes()
    for path in paths:
        name = clean(str(path.relative_to(root)))
        report(RunEvent())  # raises if the task was cancelled, as this loop may take long
        try:
            recording = open_recording(path, **vars(asked))
            require_inside(recording, roots)
            # Before what may fail because of them: a wrong rate makes a recording too short.
            notes.add(name, [*recording.notes, *_note_of_rate(recording, settings)])
            count = spectrogram_count(recording, settings)
            notes.add(name, notes_of_samples(recording))
        except (RunError, InvalidInput) as error:
            unusable.append((str(path.relative_to(root)), clean(str(error))))
            continue
        own = settings.at_rate(recording.sample_rate_hz)
        found.append(
            FoundRecording(
                name=str(path.relative_to(root)),
                target=str(targets[path].relative_to(root)),
                recording=recording,
                settings=own,
                spectrogram_count=count,
                step=max(1, min(MAX_SPECTROGRAMS_PER_ITEM, SAMPLES_PER_ITEM // own.samples_per_spectrogram)),
            )
        )
    notes.tell(report)
    _warn_about_rates(found, report)
    return found, unusable


def _note_of_rate(recording: Recording, settings: StftSettings) -> list[Note]:
    if recording.sample_rate_hz is not None:
        return []
    rate = f"{settings.sample_rate_hz / 1e6:g} MS/s"
    return [Note(f"no sample rate is known, so {rate} are assumed; set sample_rate_hz")]


def _warn_about_rates(found: Sequence[FoundRecording], report: Report) -> None:
    """Spectrograms of different rates show different bandwidths: a model learns the rate, not the signal."""
    names: defaultdict[float, list[str]] = defaultdict(list)
    for one in found:
        names[one.settings.sample_rate_hz].append(clean(one.name))
    if len(names) > 1:
        rates = "; ".join(
            f"{rate_hz / 1e6:g} MS/s: {some_recordings(named)}" for rate_hz, named in sorted(names.items())
        )
        message = (
            f"The recordings have different sample rates, so the same signal looks different: {rates}. "
            "Resample them, or draw each rate as a data set of its own."
        )
        report(RunEvent(message=message, level="WARNING"))
