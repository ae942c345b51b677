"""SigMF's captures: from which sample on the receiver was tuned to which frequency."""

import math
from collections.abc import Sequence
from typing import Any

from rfuav_ray.signals.description import Capture, Note

#: the bounds of core:frequency in the specification
HIGHEST_HZ = 1e12


def captures_of(
    stated: Sequence[dict[str, Any]], *, offset: object, sample_count: int
) -> tuple[tuple[Capture, ...], tuple[Note, ...]]:
    """The frequencies of a recording, and what is doubtful about them.

    A capture that states no frequency has none: SigMF's captures do not inherit. Captures that change nothing are
    left out.

    Args:
        stated: The captures of the metadata.
        offset: `core:offset`, the number of the recording's first sample.
        sample_count: Samples of the recording.
    """
    notes: list[Note] = []
    first = _whole(offset)
    if offset is not None and first is None:
        notes.append(Note(f"core:offset is {_short(offset)}, which is no number of a sample; 0 is assumed"))
    tuned: list[Capture] = []
    for number, capture in enumerate(stated):
        start = _whole(capture.get("core:sample_start", first or 0 if number == 0 else None))
        frequency_hz = _frequency_hz(number, capture, notes)
        if start is None:
            stated_start = _short(capture.get("core:sample_start"))
            notes.append(Note(f"core:sample_start of capture {number} is {stated_start}; the capture is ignored"))
            continue
        tuned.append(Capture(start - (first or 0), frequency_hz))
    if all(one.center_frequency_hz is None for one in tuned):
        return (), tuple(notes)
    notes += _doubts(tuned, sample_count)
    tuned = _within(sorted(tuned, key=lambda one: one.first_sample), sample_count)
    if tuned and (tuned[0].first_sample or len(tuned) > 1):
        notes += _unknown(tuned)
    return tuple(tuned), tuple(notes)


def _doubts(captures: Sequence[Capture], sample_count: int) -> list[Note]:
    starts = [one.first_sample for one in captures]
    notes = []
    if starts != sorted(starts):
        notes.append(Note("its captures are not in the order of core:sample_start; they are sorted"))
    if len(set(starts)) < len(set(captures)):
        notes.append(Note("captures of different frequencies begin at one sample; the last of them is used"))
    if before := sum(start < 0 for start in starts):
        notes.append(
            Note(f"captures begin before the recording ({before}); the last of them is used from its start on")
        )
    if behind := sum(start >= sample_count for start in starts):
        notes.append(
            Note(f"captures begin behind the recording's {sample_count} samples ({behind}); they are ignored")
        )
    return notes


def _within(captures: Sequence[Capture], sample_count: int) -> list[Capture]:
    """One capture for each change of frequency in the recording."""
    by_start = {max(0, one.first_sample): one.center_frequency_hz for one in captures}
    tuned: list[Capture] = []
    for start, frequency_hz in by_start.items():
        if start < sample_count and frequency_hz != (tuned[-1].center_frequency_hz if tuned else None):
            tuned.append(Capture(start, frequency_hz))
    return tuned


def _unknown(captures: Sequence[Capture]) -> list[Note]:
    """INFO notes on samples without a frequency."""
    notes = []
    if first := captures[0].first_sample:
        notes.append(Note(f"the frequency of its first {first} samples is not stated", "INFO"))
    if gaps := sum(one.center_frequency_hz is None for one in captures):
        notes.append(Note(f"captures that state no frequency: {gaps}", "INFO"))
    return notes


def _frequency_hz(number: int, capture: dict[str, Any], notes: list[Note]) -> float | None:
    value = capture.get("core:frequency")
    if value is None:
        return None
    frequency_hz = number_of(value)
    if abs(frequency_hz) <= HIGHEST_HZ:
        return frequency_hz
    notes.append(
        Note(f"core:frequency of capture {number} is {_short(value)}, which is no frequency; it is ignored")
    )
    return None


def number_of(value: object) -> float:
    """The value as a float. NaN for anything else, including JSON's true and integers too large for a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _whole(value: object) -> int | None:
    """The number of a sample, also as 1000.0; None if it is none."""
    number = number_of(value)
    return int(number) if 0 <= number < 2**63 and number.is_integer() else None


def _short(value: object) -> str:
    return repr(value)[:80]
