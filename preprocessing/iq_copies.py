"""Prepares the changed copies of recordings: measures the recordings, and finds what is added to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preprocessing.found_recordings import FoundRecording
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.signals.description import Note
from rfuav_ray.signals.finding import RecordingNotes, asked_of, recordings_in, require_inside
from rfuav_ray.signals.iq_augmentation.copies import Measured, copy_of, notes_of
from rfuav_ray.signals.iq_augmentation.settings import IqAugmentation, IqAugmentationFields
from rfuav_ray.signals.noise.on_power import OnPower, on_power
from rfuav_ray.signals.recordings import Recording, open_recording
from rfuav_ray.signals.stft_settings import StftSettings

#: more interferers would take long to measure, and add little
MAX_INTERFERERS = 1000
NO_POWER = OnPower(0.0, 0.0)


@dataclass(frozen=True)
class Copies:
    """All that a worker needs to make a copy of a recording."""

    settings: IqAugmentation
    #: by the recording's name
    powers: Mapping[str, OnPower]
    interferers: tuple[Measured, ...] = ()

    def make(self, recording: Recording, name: str, number: int, stft: StftSettings) -> Recording:
        """The copy with this number, from 1 on, of the recording with this name; `stft` is at its rate."""
        return copy_of(
            Measured(recording, self.powers[name], stft.sample_rate_hz),
            self.settings,
            name=name,
            number=number,
            samples_per_spectrogram=stft.samples_per_spectrogram,
            interferers=self.interferers,
        )


def iq_augmentation_of(request: SpectrogramRequest) -> IqAugmentation:
    """The settings in a request. Raises pydantic's ValidationError if its fields contradict each other."""
    return IqAugmentation.model_validate(request.model_dump(include=set(IqAugmentationFields.model_fields)))


def prepare_copies(
    request: SpectrogramRequest, found: Sequence[FoundRecording], report: Report, roots: Sequence[Path] = ()
) -> Copies | None:
    """Measure the recordings and the interferers. None: the request wants no copies.

    `report` receives what the copies will lack. It raises if the task was cancelled.

    Raises:
        InvalidInput: No interferer can be used.
    """
    settings = iq_augmentation_of(request)
    if not settings.iq_copies:
        return None
    notes = RecordingNotes()
    interferers = _interferers(request, found, notes, report, roots)
    powers: dict[str, OnPower] = {}
    for one in found:
        report(RunEvent())  # raises if the task was cancelled
        powers[one.name] = _power(one.recording)
        measured = Measured(one.recording, powers[one.name], one.settings.sample_rate_hz)
        notes.add(clean(one.name), notes_of(measured, settings, interferers))
    notes.tell(report)
    return Copies(settings, powers, interferers)


def _power(recording: Recording) -> OnPower:
    try:
        return on_power(recording)
    except RunError:  # too short, or drawing says why
        return NO_POWER


def _interferers(
    request: SpectrogramRequest,
    found: Sequence[FoundRecording],
    notes: RecordingNotes,
    report: Report,
    roots: Sequence[Path],
) -> tuple[Measured, ...]:
    """The usable recordings in `interferers_path`. What is wrong with the others becomes a note."""
    if request.interferers_path is None:
        return ()
    folder = Path(request.interferers_path)
    paths = recordings_in(folder, roots=roots)
    if len(paths) > MAX_INTERFERERS:
        left = len(paths) - MAX_INTERFERERS
        message = f"interferers_path: the first {MAX_INTERFERERS} recordings are used, and {left} are not."
        report(RunEvent(message=message, level="WARNING"))
    rates_hz = {one.settings.sample_rate_hz for one in found}
    usable = []
    for path in paths[:MAX_INTERFERERS]:
        report(RunEvent())  # raises if the task was cancelled
        name = clean(f"{folder.name}/{path.relative_to(folder)}" if folder.is_dir() else path.name)
        one = measured_interferer(path, request, roots)
        if isinstance(one, Measured) and not any(one.has_rate(rate_hz) for rate_hz in rates_hz):
            one = f"no recording has its {one.sample_rate_hz / 1e6:g} MS/s; it is not added to any"
        if isinstance(one, Measured):
            usable.append(one)
        else:
            notes.add(name, [Note(one)])
    if not usable:
        notes.tell(report)
        raise InvalidInput("interferers_path", f"none of the recordings of '{folder}' can be added; see the log.")
    return tuple(usable)


def measured_interferer(path: Path, request: SpectrogramRequest, roots: Sequence[Path]) -> Measured | str:
    """A recording that can be added to others, or why it cannot be. It keeps the sample rate that it states."""
    asked = replace(asked_of(request), sample_rate_hz=None, center_frequency_hz=None)
    try:
        recording = open_recording(path, **vars(asked))
        require_inside(recording, roots)
        power = on_power(recording)
    except (RunError, InvalidInput) as error:
        return f"it is not added to any recording: {clean(str(error))}"
    if not recording.is_complex:
        return "it is a real signal; it is not added to any recording"
    if power.signal_power <= 0:
        return "nothing in it stands out of its noise; it is not added to any recording"
    assumed_hz = request.sample_rate_hz or StftSettings().sample_rate_hz
    return Measured(recording, power, recording.sample_rate_hz or assumed_hz)
