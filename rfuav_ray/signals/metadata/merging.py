"""One rate and one frequency of a recording, of all who state them: the caller, its header, an .xml, its name."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.signals.description import Asked, Capture, Described, Note
from rfuav_ray.signals.metadata import file_names, rfuav_xml
from rfuav_ray.signals.metadata.quantities import spelled

#: the type of one value in a complex array
_VALUE_TYPES = {"complex64": "float32", "complex128": "float64"}


@dataclass(frozen=True)
class Merged:
    """What counts, and the notes on what does not."""

    sample_rate_hz: float | None
    captures: tuple[Capture, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class _Source:
    """Who states something, in the words of a note."""

    name: str
    sample_rate_hz: float | None
    captures: tuple[Capture, ...]


def merge(asked: Asked, said: Described, data: Path, *, header: str) -> Merged:
    """Decide what counts of a recording. The caller wins, then its header, then the .xml that describes it.

    Where they differ, a WARNING says so. The recording's name is asked only where none of them states a value.

    Args:
        asked: What the caller says.
        said: What the file says: its header or its SigMF metadata.
        data: The file of the samples.
        header: What `said` comes from, in the words of a note.
    """
    xml = rfuav_xml.describe(data)
    sources = [
        _Source("the request", asked.sample_rate_hz, _from_start(asked.center_frequency_hz)),
        _Source(header, said.sample_rate_hz, said.captures),
        _Source(xml.name, xml.sample_rate_hz, _from_start(xml.center_frequency_hz)),
    ]
    notes = _differences(sources)
    rate_hz = next((one.sample_rate_hz for one in sources if one.sample_rate_hz is not None), None)
    captures = next((one.captures for one in sources if one.captures), ())
    named = file_names.parse(data.name)
    if rate_hz is None and named.remark:
        notes.append(Note(f"{named.remark}; none is used"))
    if rate_hz is None and named.sample_rate_hz:
        rate_hz = named.sample_rate_hz
        notes.append(Note(f"sample rate {spelled(rate_hz, 'rate')}, from its name", "INFO"))
    if not captures and named.center_frequency_hz:
        captures = _from_start(named.center_frequency_hz)
        notes.append(
            Note(f"centre frequency {spelled(named.center_frequency_hz, 'frequency')}, from its name", "INFO")
        )
    notes += _notes_on_xml(xml, asked, said, rate_hz, captures)
    if not xml.name:
        notes += _notes_on_stray(data.parent, is_bare=sources[1].sample_rate_hz is None and not said.captures)
    return Merged(rate_hz, captures, tuple(notes))


def _from_start(frequency_hz: float | None) -> tuple[Capture, ...]:
    return () if frequency_hz is None else (Capture(0, frequency_hz),)


def _differences(sources: Sequence[_Source]) -> list[Note]:
    """WARNINGs for each source that differs from the one that wins."""
    rates = [(one.name, _known([one.sample_rate_hz])) for one in sources]
    frequencies = [(one.name, _known([found.center_frequency_hz for found in one.captures])) for one in sources]
    notes = []
    for field, stated in (("sample_rate_hz", rates), ("center_frequency_hz", frequencies)):
        (winner, winning), *others = [one for one in stated if one[1]] or [("", [])]
        notes += [
            Note(f"{field} {_listed(winning)} of {winner} is used; {name} says {_listed(values)}")
            for name, values in others
            if not _agree(winning, values)
        ]
    return notes


def _known(values: Iterable[float | None]) -> list[float]:
    return sorted({value for value in values if value is not None})


def _agree(first: Sequence[float], second: Sequence[float]) -> bool:
    pairs = zip(first, second, strict=False)
    return len(first) == len(second) and all(math.isclose(one, other, rel_tol=1e-9) for one, other in pairs)


def _listed(values: Sequence[float]) -> str:
    more = " and others" if len(values) > 3 else ""
    return ", ".join(f"{value:.9g}" for value in values[:3]) + more


def _notes_on_xml(
    xml: rfuav_xml.Description, asked: Asked, said: Described, rate_hz: float | None, captures: Sequence[Capture]
) -> list[Note]:
    notes = [Note(f"{xml.name}: {remark}") for remark in xml.remarks]
    used = {
        "data_type": f"{said.data_type} is {'used' if asked.data_type else 'assumed'}",
        "sample_rate_hz": f"{spelled(rate_hz, 'rate')} is used" if rate_hz else "no sample rate is known",
        "center_frequency_hz": "another source's is used" if captures else "no centre frequency is known",
    }
    used[""] = f"{used['data_type']}, and {used['sample_rate_hz']}"
    notes += [Note(f"{xml.name}: {what}; it is ignored, and {used[field]}") for field, what in xml.unclear]
    value_type = _VALUE_TYPES.get(said.data_type, said.data_type)
    if xml.data_type not in {None, value_type}:
        by = "of the request" if asked.data_type == said.data_type else "of the file"
        notes.append(Note(f"data_type {said.data_type} {by} is used; {xml.name} says {xml.data_type}"))
    return notes


def _notes_on_stray(folder: Path, *, is_bare: bool) -> list[Note]:
    return [
        Note(f"{name} is not applied: its name does not begin this one's", "WARNING" if is_bare else "INFO")
        for name in rfuav_xml.stray(folder)
    ]
