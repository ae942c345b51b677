"""The .xml that RFUAV publishes beside the recordings of a pack: sample rate, centre frequency and data type.

RFUAV (github.com/kitoweeknd/RFUAV) uses the elements DeviceType, Drone, SerialNumber, DataType,
ReferenceSNRLevel, CenterFrequency, SampleRate, IFBandwidth and ScaleFactor. A pack consists of files of one
second each: `pack1.xml` describes `pack1_0-1s.iq`, `pack1_1-2s.iq` and so on.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.signals.metadata import quantities, type_names, xml_fields
from rfuav_ray.signals.metadata.folder_names import names_in, once_per_folder
from rfuav_ray.signals.metadata.quantities import Kind
from rfuav_ray.signals.metadata.xml_fields import Field, Fields

#: the spellings of each element's name, in lower case without `_` and `-`
_RATE = ("samplerate", "samplingrate", "samplefrequency", "samplingfrequency")
_FREQUENCY = ("centerfrequency", "centrefrequency", "centerfreq", "carrierfrequency")
_TYPE = ("datatype", "sampletype", "dataformat", "sampleformat")
#: .xml files that describe no recording are looked into only where they are few; many are annotations of images
_MOST_STRAY = 16


@dataclass(frozen=True)
class Description:
    """What an .xml says; None for a value that is missing or cannot be understood."""

    #: name of the .xml; empty: none describes the recording
    name: str = ""
    sample_rate_hz: float | None = None
    center_frequency_hz: float | None = None
    #: numpy's name of one value
    data_type: str | None = None
    #: what was assumed or is doubtful
    remarks: tuple[str, ...] = ()
    #: what cannot be understood, so that something else has to be assumed, by the field of this class
    unclear: tuple[tuple[str, str], ...] = ()


def describe(recording: Path) -> Description:
    """Read the .xml in the recording's folder that describes it.

    An .xml with the recording's own name comes first, then the longest name that begins the recording's name at a
    boundary: `pack1.xml` describes `pack1_0-1s.iq`, not `pack10_0-1s.iq`. No other .xml applies.
    `quantities.parse` and `type_names.parse` say how values are read.
    """
    found = _xml_names(recording.parent)
    name = next((found[key] for key in _describing(recording.name) if key in found), None)
    if name is None:
        return Description()
    try:
        fields = xml_fields.read(recording.with_name(name))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return Description(name, unclear=(("", f"it cannot be used: {reason}"),))
    return _description(name, fields)


@once_per_folder
def stray(folder: Path) -> tuple[str, ...]:
    """Names of .xml files that state a rate, a frequency or a type and that describe no file of the folder."""
    files = (name for name in names_in(folder) if not name.lower().endswith(".xml"))
    described = {key for name in files for key in _describing(name)}
    candidates = [name for key, name in _xml_names(folder).items() if key not in described]
    return tuple(name for name in candidates if len(candidates) <= _MOST_STRAY and _states_anything(folder / name))


def _describing(name: str) -> Iterator[str]:
    """Keys of the .xml files that describe a file of this name, the most specific first."""
    stem = _key(Path(name).stem)
    yield _key(name)
    yield stem
    yield from (stem[:end] for end in range(len(stem) - 1, 0, -1) if not stem[end].isalnum())


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()


@once_per_folder
def _xml_names(folder: Path) -> dict[str, str]:
    """The names of the .xml files of a folder by their keys."""
    names = [name for name in names_in(folder) if name.lower().endswith(".xml") and (folder / name).is_file()]
    return {_key(Path(name).stem): name for name in reversed(names)}


def _states_anything(path: Path) -> bool:
    try:
        fields = xml_fields.read(path).of
    except (OSError, ValueError):
        return False
    return any(name in fields for name in (*_RATE, *_FREQUENCY, *_TYPE))


def _description(name: str, fields: Fields) -> Description:
    remarks, unclear = list(fields.remarks), []
    said: dict[str, float | None] = {}
    quantities_stated: tuple[tuple[str, str, tuple[str, ...], Kind], ...] = (
        ("sample_rate_hz", "SampleRate", _RATE, "rate"),
        ("center_frequency_hz", "CenterFrequency", _FREQUENCY, "frequency"),
    )
    for field_name, element, spellings, kind in quantities_stated:
        field = _first(fields, spellings)
        if field is None:
            continue
        stated = f"{element} '{field.text[:80]}{f' {field.unit[:20]}' if field.unit else ''}'"
        value = quantities.parse(field.text, kind, unit=field.unit)
        if value is None:
            unclear.append((field_name, f"{stated} is not understood"))
            continue
        said[field_name] = value.value_hz
        if value.is_assumed:
            remarks.append(
                f"{stated} can be read in several ways; {quantities.spelled(value.value_hz, kind)} is assumed"
            )
    field = _first(fields, _TYPE)
    named = type_names.parse(field.text) if field else None
    if field and named is None:
        unclear.append(("data_type", f"DataType '{field.text[:80]}' is not understood"))
    if field and named and named.assumed:
        remarks.append(f"DataType '{field.text[:80]}' can be read in several ways; {named.assumed}")
    if not any(_first(fields, spellings) for spellings in (_RATE, _FREQUENCY, _TYPE)):
        remarks.append("it states no SampleRate, CenterFrequency or DataType")
    return Description(
        name,
        said.get("sample_rate_hz"),
        said.get("center_frequency_hz"),
        named.data_type if named else None,
        tuple(remarks),
        tuple(unclear),
    )


def _first(fields: Fields, spellings: tuple[str, ...]) -> Field | None:
    return next((fields.of[name] for name in spellings if name in fields.of), None)
