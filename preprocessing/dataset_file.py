"""dataset.yaml of a data set of spectrograms: how they were drawn, and from what."""

from collections.abc import Sequence
from typing import Any

import yaml

from preprocessing.found_recordings import FoundRecording
from preprocessing.iq_copies import Copies
from rfuav_ray.events import clean
from rfuav_ray.images.dataset_card import PICTURES_SUFFIX
from rfuav_ray.objects.shown import shown
from rfuav_ray.signals.stft_settings import StftSettings


def dataset_file(
    input_path: str, settings: StftSettings, found: Sequence[FoundRecording], copies: Copies | None = None
) -> str:
    """The text of dataset.yaml: `stft`, which training copies to the model's config, and each recording's facts.

    Recordings of several sample rates have no common one: `stft` then has none.
    """
    stft = settings.model_dump(mode="json")
    rates_hz = {one.settings.sample_rate_hz for one in found}
    if len(rates_hz) == 1:
        stft["sample_rate_hz"] = rates_hz.pop()
    else:
        del stft["sample_rate_hz"]
    content: dict[str, Any] = {"stft": stft, "input_path": clean(shown(input_path))}
    if copies is not None:
        # The copies' pictures are named like those of the recording, with _iq<copy> before .png.
        content["iq_augmentation"] = _cleaned(copies.settings.model_dump(mode="json"))
    content["recordings"] = [_facts(one) for one in found]
    return yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def _cleaned(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: clean(value) if isinstance(value, str) else value for name, value in settings.items()}


def _facts(one: FoundRecording) -> dict[str, Any]:
    facts = {
        "recording": clean(one.name),
        # Spectrogram i begins at i * seconds_between_pictures in the recording.
        "pictures": f"{clean(one.target)}{PICTURES_SUFFIX}",
        "count": one.spectrogram_count,
        "seconds_between_pictures": one.seconds_between_pictures,
        "sample_rate_hz": one.settings.sample_rate_hz,
        "data_type": one.recording.data_type,
        "center_frequency_hz": one.recording.center_frequency_hz,
    }
    if len(tuned := _tuned(one)) > 1:
        # From this spectrogram on, which begins after the receiver was tuned to this frequency.
        facts["center_frequencies"] = tuned
    return facts


def _tuned(one: FoundRecording) -> list[dict[str, Any]]:
    """The first spectrogram at each frequency of a recording. One entry: it was not tuned anew."""
    step = one.settings.samples_between_spectrograms
    starts = {0: one.recording.center_frequency_hz}
    starts |= {-(-capture.first_sample // step): capture.center_frequency_hz for capture in one.recording.captures}
    tuned: list[dict[str, Any]] = []
    for first, frequency_hz in starts.items():
        if first < one.spectrogram_count and (not tuned or tuned[-1]["center_frequency_hz"] != frequency_hz):
            tuned.append({"first_picture": first, "center_frequency_hz": frequency_hz})
    return tuned
