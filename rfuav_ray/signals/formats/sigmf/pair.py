"""SigMF recordings: metadata, `x.sigmf-meta` in JSON, and a file of samples, mostly `x.sigmf-data`."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.description import Asked, Described, Note, notes_of_cut
from rfuav_ray.signals.formats.sigmf import fields as fields_of
from rfuav_ray.signals.formats.sigmf import wav_header
from rfuav_ray.signals.formats.sigmf.captures import captures_of
from rfuav_ray.signals.formats.sigmf.files import (
    DATA_SUFFIX,
    META_SUFFIX,
    Content,
    beside,
    data_path,
    is_counted,
    load,
    metadata_of,
    others_of,
)
from rfuav_ray.signals.stored_samples import RTL_SDR_ZERO, WAV_ZERO, StoredSamples, check_file, raw_samples

__all__ = ["META_SUFFIX", "SUFFIXES", "checksum_note", "describe", "is_counted", "metadata_of", "metadata_path"]

SUFFIXES = frozenset({META_SUFFIX, DATA_SUFFIX})

#: the largest data file whose checksum is compared: some seconds
LARGEST_CHECKED_BYTES = 2**30
_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".lz4"})


def describe(path: Path, _asked: Asked) -> Described:
    """Describe a SigMF recording, given its metadata or its data. Raises RunError if it cannot be used.

    Only the needed fields are checked: a field that breaks SigMF's schema elsewhere does not block the samples.
    """
    check_file(path)
    metadata = metadata_path(path)
    check_file(metadata)
    content = load(metadata)
    data = _existing_data(metadata, content.global_fields)
    said = describe_data(metadata, content, data)
    notes = list(said.notes)
    if path != metadata:
        notes.append(Note(f"its metadata are {metadata.name}", "INFO"))
    if others := others_of(metadata, data):
        notes.append(Note(f"{', '.join(others)} describe the same data; {metadata.name} is used"))
    return replace(said, notes=tuple(notes))


def describe_data(
    metadata: Path, content: Content, data: Path, *, region: tuple[int, int] | None = None
) -> Described:
    """What the metadata say about their data.

    Args:
        metadata: The metadata file, for messages.
        content: What it holds.
        data: The file of the samples.
        region: First byte and length of the samples' part of the file; None: all of it.

    Raises:
        RunError: The metadata cannot be used, or there are no samples.
    """
    rate_hz = fields_of.sample_rate_hz(metadata, content.global_fields)
    samples, data_type, doubts = _samples(metadata, content, data, region, rate_hz)
    captures, doubts_of_captures = captures_of(
        content.captures, offset=content.global_fields.get("core:offset"), sample_count=samples.sample_count
    )
    notes = (*_notes(content), *doubts_of_captures, *doubts)
    return Described(samples, data_type, rate_hz, captures, notes)


def metadata_path(path: Path) -> Path:
    """The metadata file of a recording, given its metadata or its data. Raises RunError if it is missing."""
    if found := metadata_of(path):
        return found
    if (other := beside(path, META_SUFFIX)) and (dataset := load(other).global_fields.get("core:dataset")):
        raise RunError(f"{path}: {other.name} describes {repr(dataset)[:80]} instead. Correct its core:dataset.")
    raise RunError(
        f"{path}: the metadata file is missing. Put {path.with_suffix(META_SUFFIX).name} with the data type and "
        "the sample rate beside it, or rename the file to .bin and set both."
    )


def checksum_note(path: Path) -> Note | None:
    """Compare the data of a recording with the checksum in its SigMF metadata. This reads all of them.

    Args:
        path: `Recording.path`, or the data file.

    Returns:
        A WARNING if they differ, an INFO note if they were too large to check. None if they agree, or if there is
        no checksum.

    Raises:
        RunError: The metadata or the data cannot be read.
    """
    metadata = metadata_of(path)
    if metadata is None:
        return None
    fields = load(metadata).global_fields
    stated = fields.get("core:sha512")
    if stated is None:
        return None
    data = _existing_data(metadata, fields)
    try:
        if data.stat().st_size > LARGEST_CHECKED_BYTES:
            return Note(
                f"core:sha512 was not checked: the data exceed {LARGEST_CHECKED_BYTES // 2**30} GiB", "INFO"
            )
        with open_file(data) as file:
            found = hashlib.file_digest(file, "sha512").hexdigest()
    except OSError as error:
        raise RunError(f"{data}: cannot be read: {error}") from error
    if str(stated).strip().lower() == found:
        return None
    return Note(f"its data are not those of core:sha512: {data.name} was changed, cut off or replaced")


def _existing_data(metadata: Path, fields: dict[str, Any]) -> Path:
    data = data_path(metadata, fields)
    if not data.exists():
        if fields.get("core:metadata_only") is True:
            raise RunError(f"{metadata}: holds metadata only, as it says; there are no samples to read.")
        raise RunError(f"{metadata}: the data file is missing. Put {data.name} beside it.")
    if data.suffix.lower() in _COMPRESSED:
        raise RunError(f"{metadata}: its data, {data.name}, are compressed. Decompress them and name the result.")
    return data


def _samples(
    metadata: Path, content: Content, data: Path, region: tuple[int, int] | None, rate_hz: float | None
) -> tuple[StoredSamples, str, list[Note]]:
    """The samples, numpy's name of the type, and what is doubtful about them."""
    fields = content.global_fields
    value_type, is_complex = fields_of.data_type(metadata, fields.get("core:datatype"))
    is_pair = fields_of.is_pair(metadata, fields.get("core:num_channels"), is_complex=is_complex)
    header_bytes = fields_of.header_bytes(metadata, content)
    header = wav_header.header_of(data)
    notes = []
    if is_pair:
        notes.append(Note("core:num_channels is 2 and core:datatype real: its channels are read as I and Q"))
    if header and not header_bytes:
        notes.append(Note("core:header_bytes is missing; its samples are read as the header of the WAV file says"))
        return header.samples, header.data_type, notes
    samples = raw_samples(
        data,
        value_type,
        is_complex=is_complex or is_pair,
        skipped_bytes=header_bytes,
        trailing_bytes=fields_of.byte_count(metadata, "core:trailing_bytes", fields.get("core:trailing_bytes")),
        unsigned_zero=WAV_ZERO if data.suffix.lower() == ".wav" else RTL_SDR_ZERO,
        region=region,
    )
    data_type = np.dtype(value_type).name
    if header:
        notes += wav_header.doubts(header, data_type, is_complex=samples.is_complex, sample_rate_hz=rate_hz)
    return samples, data_type, [*notes, *notes_of_cut(samples)]


def _notes(content: Content) -> list[Note]:
    fields = content.global_fields
    notes = [Note(content.remark)] if content.remark else []
    if fields.get("core:metadata_only") is True:
        notes.append(Note("core:metadata_only says that it has no samples; those beside it are read all the same"))
    stated = fields.get("core:extensions")
    extensions = [one for one in stated if isinstance(one, dict)] if isinstance(stated, list) else []
    if needed := [repr(one.get("name"))[:80] for one in extensions if one.get("optional") is not True]:
        notes.append(
            Note(f"it needs extensions of SigMF that are not known here: {', '.join(needed)}; they are ignored")
        )
    return notes
