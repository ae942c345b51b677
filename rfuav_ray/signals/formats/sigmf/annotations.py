"""Writes what was found in a recording as SigMF annotations, with a link to its samples."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.errors import RunError
from rfuav_ray.files import write_text
from rfuav_ray.signals.formats.sigmf.data_link import link_data
from rfuav_ray.signals.formats.sigmf.restated import START, Fields, is_frequency, restate
from rfuav_ray.signals.recordings import Recording


@dataclass(frozen=True)
class Annotation:
    """What was found in a part of a recording."""

    #: counted from the first sample of the recording
    first_sample: int
    sample_count: int
    #: the name of a class
    label: str
    comment: str
    #: the edges of the band, in radio frequency; None: not known
    low_hz: float | None
    high_hz: float | None


def write_annotations(
    path: Path, recording: Recording, annotations: Iterable[Annotation], *, generator: str
) -> str | None:
    """Write SigMF metadata of a recording with these annotations, and link its samples beside them.

    What the recording's own SigMF metadata say is kept as far as it is valid, its annotations too.

    Args:
        path: The `.sigmf-meta` file. It is replaced atomically. Its folder is made.
        recording: The recording. Nothing is written into its folder.
        annotations: In any order.
        generator: The program that found them.

    Returns:
        None if the samples are linked. Else a sentence that says why the file holds metadata only.

    Raises:
        RunError: `path` is the recording itself, or its data cannot be read for their checksum.
        OSError: Writing failed.
    """
    if path.resolve() == recording.path.resolve():
        raise RunError(f"{path}: this is the recording itself; write its annotations to another folder.")
    link = link_data(path, recording.samples)
    known = restate(recording, link, recorder=generator)
    found = [*known.annotations, *(_fields(one, known.offset, generator) for one in annotations)]
    write_text(path, _text(known.global_fields, known.captures, sorted(found, key=lambda one: one[START])))
    return None if link.obstacle is None else f"{path.name} holds metadata only: {link.obstacle}."


def _fields(found: Annotation, offset: int, generator: str) -> Fields:
    fields: Fields = {
        START: offset + found.first_sample,
        "core:sample_count": found.sample_count,
        "core:label": found.label,
        "core:comment": found.comment,
        "core:generator": generator,
    }
    if is_frequency(found.low_hz) and is_frequency(found.high_hz):  # SigMF has both or none
        fields |= {"core:freq_lower_edge": found.low_hz, "core:freq_upper_edge": found.high_hz}
    return fields


def _text(global_fields: Fields, captures: Sequence[Fields], annotations: Sequence[Fields]) -> str:
    """JSON with a line for each capture and each annotation."""
    rows = (",\n".join(map(json.dumps, objects)) for objects in (captures, annotations))
    return '{{\n"global": {},\n"captures": [\n{}\n],\n"annotations": [\n{}\n]\n}}\n'.format(
        json.dumps(global_fields, indent=4), *rows
    )
