"""How recordings become the images that a model knows: its config's `stft`, completed by the request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from rfuav_ray.api.requests import RecordingFields
from rfuav_ray.api.validation_messages import message_of
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.images.dataset_card import OLD_STYLE, differences
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.signals.description import Asked, Note
from rfuav_ray.signals.finding import asked_of, require_inside
from rfuav_ray.signals.recordings import Recording, open_recording
from rfuav_ray.signals.resampling.resampled import resampled
from rfuav_ray.signals.spectrogram import encoded, iter_spectrograms, spectrogram_count
from rfuav_ray.signals.stft_settings import StftFields, StftSettings

#: what nobody may guess: the other settings have RFUAV's values
_NEEDED = ("style", "stft_points", "duration_s")
#: the fields of a request that win over the model's settings
_OF_REQUEST = (*_NEEDED, "overlap")
#: Nobody notices a smaller relative difference of sample rates: a signal moves by less than half an STFT bin of
#: 1024.
_SAME_RATE = 1e-3
#: so large a window takes minutes, and a run that is silent for longer counts as dead
LARGEST_WINDOW = 2**31
#: some seconds of work
LARGEST_DRAWN_AGAIN = 2**28


class NoSampleRate(RunError):
    """Neither the recording nor the request states the sample rate."""


@dataclass(frozen=True)
class RecordingSettings:
    """How an inference reads recordings and draws their windows. Made by `recording_settings`."""

    #: at the model's sample rate, if that is known
    stft: StftSettings
    #: None: the model does not state it, and recordings keep theirs
    model_rate_hz: float | None
    asked: Asked
    on_rate_mismatch: Literal["resample", "refuse"]
    #: what the log says about the settings
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class WindowedRecording:
    """A recording as a model sees it. Its windows are spectrograms."""

    #: as it is stored
    original: Recording
    #: at the model's sample rate
    recording: Recording
    #: at the same rate
    stft: StftSettings
    window_count: int
    notes: tuple[Note, ...] = ()


def recording_settings(config: ModelConfig, request: RecordingFields) -> RecordingSettings:
    """Combine the settings of a model and of a request.

    Raises:
        InvalidInput: A setting is missing or wrong. The error names its field.
    """
    stated = dict(config.stft or {})
    if stated:
        stated.setdefault("style", OLD_STYLE)
    given = {name: value for name in _OF_REQUEST if (value := getattr(request, name)) is not None}
    if missing := missing_settings(config, request):
        raise InvalidInput(
            missing[0],
            f"the model's config does not say how its spectrograms were made. Set {', '.join(missing)}, as in its "
            "training.",
        )
    notes = [
        Note(f"the request's spectrograms differ from those of the model's training: {difference}")
        for difference in differences({**stated, **given}, stated)
    ]
    if unknown := [name for name in stated if name not in StftFields.model_fields]:
        notes.append(Note(f"stft in the model's config has unknown settings, which are ignored: {unknown}"))
    # RFUAV's tool draws its canvas, and its trainer resizes it. `rfuav` draws both steps at once.
    fields = {"image_size": config.image_size, **stated, **given}
    if "sample_rate_hz" not in stated:
        notes.append(
            Note(
                "the model's config does not state the sample rate of its training. Recordings are drawn at their "
                "own, and the same signal looks different at another rate"
            )
        )
        # Any rate that a window can have: each recording is checked at its own.
        fields["sample_rate_hz"] = 2 * float(fields["stft_points"]) / float(fields["duration_s"])
    stft = _validated({name: value for name, value in fields.items() if name in StftFields.model_fields}, given)
    return RecordingSettings(
        stft,
        stft.sample_rate_hz if "sample_rate_hz" in stated else None,
        asked_of(request),
        request.on_rate_mismatch,
        tuple(notes),
    )


def missing_settings(config: ModelConfig, request: RecordingFields) -> list[str]:
    """What neither the model nor the request says about how recordings are drawn."""
    stated = {"style": OLD_STYLE, **config.stft} if config.stft else {}
    return [name for name in _NEEDED if name not in stated and getattr(request, name) is None]


def windowed(path: Path, settings: RecordingSettings, roots: Sequence[Path] = ()) -> WindowedRecording:
    """Open a recording for classification. This reads no samples.

    Links to its samples may lead into `roots`. None: they may lead anywhere.

    Raises:
        InvalidInput: A field of the request does not fit the file.
        RunError: The recording cannot be classified. The message names it.
    """
    original = open_recording(path, **vars(settings.asked))
    require_inside(original, roots)
    rate_hz, model_rate_hz = original.sample_rate_hz, settings.model_rate_hz
    if rate_hz is None:
        raise NoSampleRate(f"{path}: its sample rate is not known; set sample_rate_hz.")
    recording, notes = original, original.notes
    if model_rate_hz is not None and abs(rate_hz / model_rate_hz - 1) > _SAME_RATE:
        both = f"{rate_hz / 1e6:g} MS/s, and the model was trained at {model_rate_hz / 1e6:g} MS/s"
        if rate_hz < model_rate_hz:
            raise RunError(f"{path}: it has {both}. What it lacks cannot be made: record at the model's rate.")
        if settings.on_rate_mismatch == "refuse":
            raise RunError(f"{path}: it has {both}, and on_rate_mismatch is refuse.")
        recording = resampled(original, model_rate_hz)
        notes = (*notes, Note(f"it has {both}, so it is low-passed and resampled to the model's rate"))
    stft = settings.stft.at_rate(recording.sample_rate_hz)
    if stft.samples_per_spectrogram > LARGEST_WINDOW:
        raise RunError(
            f"{path}: a window of {stft.duration_s:g} s has {stft.samples_per_spectrogram:,} samples, and at most "
            f"{LARGEST_WINDOW:,} are classified at once; reduce duration_s."
        )
    count = spectrogram_count(recording, stft)
    end = (count - 1) * stft.samples_between_spectrograms + stft.samples_per_spectrogram
    if end < recording.sample_count:
        notes = (*notes, Note("what is left at its end is shorter than a window and not classified", "INFO"))
    return WindowedRecording(original, recording, stft, count, notes)


def window_image(
    path: Path, request: RecordingFields, stft: Mapping[str, Any], frame: int, roots: Sequence[Path] = ()
) -> bytes:
    """Draw a window again, as PNG.

    Args:
        path: The recording.
        request: That of its inference.
        stft: `RecordingPrediction.stft`.
        frame: The index of the window.
        roots: As of `windowed`.

    Raises:
        InvalidInput, RunError: The recording cannot be read any more.
    """
    settings = StftSettings.model_validate(stft)
    if settings.samples_per_spectrogram > LARGEST_DRAWN_AGAIN:
        raise RunError(f"{path}: its windows are too large to be drawn on demand; set save_images.")
    opened = windowed(
        path, RecordingSettings(settings, settings.sample_rate_hz, asked_of(request), "resample"), roots
    )
    (drawn,) = iter_spectrograms(opened.recording, opened.stft, first=frame, count=1)
    return encoded(drawn.image, ".png")


def _validated(fields: dict[str, Any], given: dict[str, Any]) -> StftSettings:
    try:
        return StftSettings.model_validate(fields)
    except ValidationError as error:
        # The messages of StftSettings' own checks begin with the field.
        message = message_of(error.errors()[0])
        field = str(error.errors()[0]["loc"][0]) if error.errors()[0]["loc"] else message.partition(": ")[0]
        message = message.removeprefix(f"{field}: ")
        if field in given:
            raise InvalidInput(field, message) from None
        raise InvalidInput("cfg_path", f"stft in the model's config cannot be used: {field}: {message}") from None
