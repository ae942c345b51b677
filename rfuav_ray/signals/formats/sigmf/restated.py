"""What is known about a recording, restated as SigMF metadata for linked data."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rfuav_ray.errors import RunError
from rfuav_ray.signals.formats.sigmf import archive
from rfuav_ray.signals.formats.sigmf.captures import HIGHEST_HZ, number_of
from rfuav_ray.signals.formats.sigmf.data_link import DataLink, datatype_of
from rfuav_ray.signals.formats.sigmf.files import Content, is_metadata, load
from rfuav_ray.signals.formats.sigmf.pair import checksum_note
from rfuav_ray.signals.recordings import Recording

Fields = dict[str, Any]

START = "core:sample_start"
#: fields that describe where the original's data are
_OF_THE_DATA = frozenset({"core:dataset", "core:trailing_bytes", "core:metadata_only", "core:num_channels"})


@dataclass(frozen=True)
class Restated:
    """The objects of SigMF metadata. They are valid, and in the order of their first samples."""

    global_fields: Fields
    captures: list[Fields]
    #: those that the recording has itself
    annotations: list[Fields]

    @property
    def offset(self) -> int:
        """The number of the recording's first sample, from which SigMF counts."""
        return int(self.global_fields.get("core:offset", 0))


def restate(recording: Recording, link: DataLink, *, recorder: str) -> Restated:
    """The metadata of a recording, for the link to its samples.

    Of a recording with SigMF metadata they are its own, as far as each of the three objects is valid. Rate and
    frequencies are those with which the samples were read.

    Args:
        recording: The recording.
        link: The link to its samples.
        recorder: The program that makes these metadata, where there were none.

    Raises:
        RunError: The data cannot be read for their checksum.
    """
    fields = _known({"core:recorder": recorder}, recording, link)
    original = _original(recording)
    if original is None:
        return Restated(fields, _captures([], recording, 0, link), [])
    if _is_valid(theirs := _known(_kept(original.global_fields, recording), recording, link)):
        fields = theirs
    offset = Restated(fields, [], []).offset
    stated = _sorted(original.captures, first=offset)
    captures = _captures(stated if _is_valid(fields, stated) else [], recording, offset, link)
    annotations = _sorted(original.annotations)
    return Restated(fields, captures, annotations if _is_valid(fields, captures, annotations) else [])


def is_frequency(value_hz: float | None) -> bool:
    """Whether it is known, and within SigMF's bounds."""
    return value_hz is not None and abs(value_hz) <= HIGHEST_HZ


def _original(recording: Recording) -> Content | None:
    """The SigMF metadata of the recording; None: it has none, or they are gone."""
    try:
        if is_metadata(recording.path):
            return load(recording.path)
        return archive.content_of(recording.path) if recording.path.suffix.lower() in archive.SUFFIXES else None
    except RunError:
        return None


def _kept(fields: Fields, recording: Recording) -> Fields:
    """The global fields of the original that are true of the linked data."""
    kept = {key: value for key, value in fields.items() if key not in _OF_THE_DATA}
    stated = kept.pop("core:sha512", None)
    # Tools refuse data of another checksum. That of an archive is of its member.
    if stated is not None and is_metadata(recording.path) and checksum_note(recording.path) is None:
        kept["core:sha512"] = str(stated).strip().lower()
    return kept


def _known(fields: Fields, recording: Recording, link: DataLink) -> Fields:
    """The fields with those that are known without them."""
    import sigmf  # noqa: PLC0415  # imported here because it takes 0.2 s

    known = {"core:datatype": datatype_of(recording.samples), "core:version": sigmf.__specification__}
    # A stated 20000000 stays an integer.
    if recording.sample_rate_hz not in {None, number_of(fields.get("core:sample_rate"))}:
        known["core:sample_rate"] = recording.sample_rate_hz
    return {**fields, **known, **link.fields}


def _captures(stated: Sequence[Fields], recording: Recording, offset: int, link: DataLink) -> list[Fields]:
    """The stated captures, or else those of the recording, with the frequencies with which samples were read.

    The first one begins at the first sample.
    """
    captures = [dict(one) for one in stated]
    if not captures:
        captures = [{START: offset + one.first_sample} for one in recording.captures]
    if not captures or captures[0][START] > offset:
        captures.insert(0, {START: offset})
    starts = [one.first_sample for one in recording.captures]
    for one in captures:
        one.pop("core:header_bytes", None)
        reached = bisect_right(starts, max(0, one[START] - offset))
        frequency_hz = recording.captures[reached - 1].center_frequency_hz if reached else None
        if is_frequency(frequency_hz) and frequency_hz != one.get("core:frequency"):
            one["core:frequency"] = frequency_hz
    if link.header_bytes:
        captures[0]["core:header_bytes"] = link.header_bytes
    return captures


def _sorted(objects: Sequence[Any], *, first: int | None = None) -> list[Fields]:
    """By their first samples. The first object may leave its own out if `first` is given."""
    found = [dict(one) if isinstance(one, dict) else {} for one in objects]
    if found and first is not None:
        found[0].setdefault(START, first)
    return sorted(found, key=lambda one: number_of(one.get(START)))


def _is_valid(fields: Fields, captures: Sequence[Fields] = (), annotations: Sequence[Fields] = ()) -> bool:
    """Whether the schema of the sigmf package accepts the metadata, and JSON does. The objects are sorted."""
    content = {"global": fields, "captures": list(captures), "annotations": list(annotations)}
    try:
        json.dumps(content, allow_nan=False)
        _schema().validate(content)
    except Exception:  # foreign metadata fail in many ways
        return False
    return True


@cache
def _schema() -> Any:
    """The validator of SigMF's schema. `sigmf.validate` checks the schema itself each time, which takes 25 ms."""
    # Imported here because they take 0.2 s.
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from sigmf.schema import get_schema  # noqa: PLC0415

    schema = get_schema()
    return validator_for(schema)(schema)
