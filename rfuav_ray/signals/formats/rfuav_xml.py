"""The .xml that RFUAV publishes beside the recordings of a pack: sample rate, centre frequency and data type.

RFUAV (github.com/kitoweeknd/RFUAV) uses the elements DeviceType, Drone, SerialNumber, DataType,
ReferenceSNRLevel, CenterFrequency, SampleRate, IFBandwidth and ScaleFactor. A pack consists of files of one
second each: `pack1.xml` describes `pack1_0-1s.iq`, `pack1_1-2s.iq` and so on.
"""

import logging
import math
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

logger = logging.getLogger(__name__)

_LARGEST_BYTES = 1_000_000
#: upper bound of sample rates and centre frequencies
_HIGHEST_HZ = 1e12
#: a number without a unit is in Hz from here on, and in MHz below
_LOWEST_IN_HZ = 1e5

_NUMBER = re.compile(r"([-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?)\s*(.*)", re.IGNORECASE | re.DOTALL)
_UNIT = re.compile(r"([kmg]?)(?:hz|hertz|s/s|sa/s|sps|samples/s)?")
_FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}

#: Patterns for the letters and digits of DataType. The first match wins; None: a type that cannot be read.
_DATA_TYPES: tuple[tuple[str, str | None], ...] = (
    (r"uint8|unsignedchar|unsignedbyte|cu8", "uint8"),
    (r"unsigned|uint|double|float16|(?<!complex)64", None),
    (r"float|complex64|(fc|cf)32", "float32"),
    (r"int16|short|(sc|ci)16", "int16"),
    (r"int8|(?<!\d)byte|char|(sc|ci)8", "int8"),
)


@dataclass(frozen=True)
class Description:
    """The values in the .xml; None for a value that is missing or cannot be parsed."""

    sample_rate_hz: float | None = None
    center_frequency_hz: float | None = None
    #: one of recordings.DATA_TYPES
    data_type: str | None = None


def describe(recording: Path) -> Description:
    """Read the .xml in the recording's folder that describes it.

    An .xml with the recording's own name comes first, then one whose name begins the recording's name
    (`pack1.xml` for `pack1_0-1s.iq`), then the only .xml in the folder. An unusable file is logged and ignored.

    Numbers can have a unit, in the text or in an attribute `unit` or `units`. Without a unit, numbers from
    100 000 on are in Hz and smaller numbers are in MHz.
    """
    path = _find(recording)
    if path is None:
        return Description()
    try:
        fields = _fields(path)
    except (OSError, ET.ParseError, ValueError, LookupError) as error:
        logger.warning("%s: cannot be used and is ignored: %s", path, error)
        return Description()
    return Description(
        sample_rate_hz=_hertz(path, "SampleRate", fields, is_zero_allowed=False),
        center_frequency_hz=_hertz(path, "CenterFrequency", fields, is_zero_allowed=True),
        data_type=_data_type(path, fields),
    )


def _find(recording: Path) -> Path | None:
    folder = recording.parent
    try:
        found = _xml_files(folder, folder.stat().st_mtime_ns)
    except OSError as error:
        logger.warning("%s: cannot be searched for an .xml: %s", folder, error)
        return None
    name = recording.stem.lower()
    # The longest matching name is the most specific. `pack1.xml` does not describe `pack10_0-1s.iq`.
    for path in sorted(found, key=lambda path: len(path.stem), reverse=True):
        stem = path.stem.lower()
        if name == stem or (name.startswith(stem) and not name[len(stem)].isalnum()):
            return path
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=64)  # a folder may hold thousands of recordings
def _xml_files(folder: Path, _changed_ns: int) -> tuple[Path, ...]:
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(".xml"))  # noqa: PTH208
    return tuple(path for name in names if not name.startswith(".") and (path := folder / name).is_file())


class _Builder(ET.TreeBuilder):
    def doctype(self, _name: str, _public_id: str | None, _system: str | None) -> NoReturn:
        # A DOCTYPE can declare entities that expand without end or read other files.
        raise ValueError("it contains a DOCTYPE, which is refused")


def _fields(path: Path) -> dict[str, tuple[str, str]]:
    """(text, unit attribute) of each element with text, by lower-case name; the first element of a name wins."""
    if path.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f"it is larger than {_LARGEST_BYTES // 10**6} MB")
    fields: dict[str, tuple[str, str]] = {}
    root: ET.Element[Any] = ET.fromstring(path.read_bytes(), parser=ET.XMLParser(target=_Builder()))
    for element in root.iter():
        name = str(element.tag).rpartition("}")[2].lower()
        attributes = {key.lower(): value for key, value in element.attrib.items()}
        if text := (element.text or "").strip():
            fields.setdefault(name, (text, attributes.get("unit") or attributes.get("units") or ""))
    return fields


def _hertz(path: Path, name: str, fields: dict[str, tuple[str, str]], *, is_zero_allowed: bool) -> float | None:
    if name.lower() not in fields:
        return None
    text, unit_attribute = fields[name.lower()]
    value = _parse_hertz(text, unit_attribute)
    if 0 < value <= _HIGHEST_HZ or (value == 0 and is_zero_allowed):
        return value
    logger.warning("%s: %s is '%s %s', which is ignored", path, name, text[:80], unit_attribute[:20])
    return None


def _parse_hertz(text: str, unit_attribute: str) -> float:
    """The value in Hz; NaN for text that is not a number or has an unknown unit."""
    if not (number := _NUMBER.fullmatch(text)):
        return math.nan
    value = float(number[1])
    unit = "".join((number[2] or unit_attribute).lower().split())
    if not unit:
        return value if value >= _LOWEST_IN_HZ else value * 1e6
    known = _UNIT.fullmatch(unit)
    return value * _FACTORS[known[1]] if known else math.nan


def _data_type(path: Path, fields: dict[str, tuple[str, str]]) -> str | None:
    if "datatype" not in fields:
        return None
    stated = fields["datatype"][0]
    letters = re.sub(r"[^a-z0-9]", "", stated.lower())
    found = next((data_type for pattern, data_type in _DATA_TYPES if re.search(pattern, letters)), None)
    if found is None:
        logger.warning("%s: DataType '%s' is unknown and is ignored", path, stated[:80])
    return found
