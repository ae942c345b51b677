"""dataset.yaml, the card of a data set: how its images were made. Does not import torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean, ignore
from rfuav_ray.file_access.limits import MAX_CARD_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.file_access.roots import OutsideRoots
from rfuav_ray.images.class_folders import composed
from rfuav_ray.outputs.artifacts import DATASET_FILE
from rfuav_ray.yaml_files import load_plain

#: the style of spectrograms whose card names none
OLD_STYLE = "peak"
#: how far one spectrogram reaches into the next changes no spectrogram
_NO_DIFFERENCE = {"overlap"}
RATES_SHOWN = 5
#: how the card ends the name of a recording's spectrograms
PICTURES_SUFFIX = "_<number>.png"


@dataclass(frozen=True)
class DatasetCard:
    #: the settings that the spectrograms were made with
    stft: dict[str, Any] | None
    #: the different sample rates of the recordings, sorted
    sample_rates_hz: tuple[float, ...]
    #: the names of the spectrograms of each recording, relative to the card's folder, without their number
    recordings: frozenset[str] = frozenset()

    def recordings_of(self, class_name: str) -> frozenset[str]:
        """The recordings of a class, as `recording_names.recordings_of` takes them."""
        split = (name.partition("/") for name in self.recordings)
        return frozenset(rest for folder, _, rest in split if composed(folder) == composed(class_name))


def read_card(path: Path, report: Report = ignore, *, parents: int = 1) -> DatasetCard | None:
    """Read the nearest `dataset.yaml`: of the folder, or of one of so many folders above it. None: there is none.

    Raises:
        RunError: The file exists and cannot be read.
    """
    for folder in (path, *list(path.parents)[:parents]):
        if (text := dataset_file_of(folder, report)) is not None:
            return _parsed(folder / DATASET_FILE, text)
    return None


def stft_settings(path: Path) -> dict[str, Any] | None:
    """The STFT settings that the images were drawn with: `stft` in the `dataset.yaml` of the folder or its parent.

    None if there is no such entry. Raises RunError if the file exists and cannot be read.
    """
    card = read_card(path)
    return None if card is None else card.stft


def dataset_file_of(path: Path, report: Report = ignore) -> str | None:
    """The text of `dataset.yaml` in the folder, which describes how its images were made; None if there is none.

    One that lies outside of the roots is not used. `report` receives a WARNING then.

    Raises:
        RunError: The file cannot be read.
    """
    file = path / DATASET_FILE
    try:
        return read_file(file, largest_bytes=MAX_CARD_BYTES).decode("utf-8")
    except FileNotFoundError:
        return None
    except OutsideRoots as error:
        report(RunEvent(message=clean(f"'{file}' is not used: {error}."), level="WARNING"))
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"'{file}' cannot be read; correct or remove it: {error}") from error


def differences(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> list[str]:
    """The settings that differ, with both values: `sample_rate_hz 100e6 and 20e6`.

    Settings that only one side states are unknown on the other and not compared. A missing style is OLD_STYLE.
    """
    if not ours or not theirs:
        return []
    left, right = {"style": OLD_STYLE, **ours}, {"style": OLD_STYLE, **theirs}
    return [
        f"{key} {_shown(left[key])} and {_shown(right[key])}"
        for key in left
        if key in right and key not in _NO_DIFFERENCE and _number(left[key]) != _number(right[key])
    ]


def mixed_rates(card: DatasetCard | None) -> str:
    """The sample rates of the recordings, if there are several; else empty."""
    if card is None or len(card.sample_rates_hz) < 2:
        return ""
    shown = ", ".join(f"{rate / 1e6:g}" for rate in card.sample_rates_hz[:RATES_SHOWN])
    more = ", …" if len(card.sample_rates_hz) > RATES_SHOWN else ""
    return f"{shown}{more} MS/s"


def _parsed(file: Path, text: str) -> DatasetCard:
    try:
        content = load_plain(text)
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        message = f"'{DATASET_FILE}' of '{file.parent}' cannot be read; correct or remove it: {reason}"
        raise RunError(message) from error
    content = content if isinstance(content, dict) else {}
    stft, listed = content.get("stft"), content.get("recordings")
    recordings = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
    rates = {rate for one in recordings if isinstance(rate := _number(one.get("sample_rate_hz")), float)}
    pictures = (one.get("pictures") for one in recordings)
    names = frozenset(
        name.removesuffix(PICTURES_SUFFIX)
        for name in pictures
        if isinstance(name, str) and name.endswith(PICTURES_SUFFIX)
    )
    return DatasetCard(stft if isinstance(stft, dict) else None, tuple(sorted(rates)), names)


def _number(value: Any) -> Any:
    """A number as float, also one that YAML takes for text, such as 20e6. Anything else stays as it is."""
    if isinstance(value, list | tuple):
        return [_number(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _shown(value: Any) -> str:
    number = _number(value)
    return f"{number:g}" if isinstance(number, float) else str(value)
