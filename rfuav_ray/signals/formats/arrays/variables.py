"""Which of the named arrays of a .mat or .h5 file are the samples, and which numbers are rate and frequency."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.signals.description import HIGHEST_RATE_HZ, Asked, Capture, Note
from rfuav_ray.signals.formats.arrays.layout import READABLE, Layout, layout_of

#: shorter arrays are settings, not samples, unless the caller names them
_FEWEST_SAMPLES = 64
_MOST_NAMES = 12

#: names of I, each with that of Q; alone, or at an end of a longer name: `RF0_I` and `RF0_Q`
_PAIRS = (("i", "q"), ("real", "imag"), ("re", "im"), ("inphase", "quadrature"))
_RATE = re.compile(
    r"(fs|sr|rate|samp(le|ling)?(rate|freq|frequency)|samplespersecond)(in)?(?P<unit>[kmg]?hz|[kmg]?sps)?"
)
_FREQUENCY = re.compile(
    r"(fc|(cent(er|re)|carrier|rf|lo)(freq|frequency)?|freq|frequency)(in)?(?P<unit>[kmg]?hz)?"
)
_FACTORS = {"k": 1e3, "m": 1e6, "g": 1e9}


@dataclass(frozen=True)
class Variable:
    """An array of numbers in a file."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Choice:
    """The samples: one array, or one of I and one of Q."""

    names: tuple[str, ...]
    layout: Layout
    dtype: np.dtype[Any]

    @property
    def is_complex(self) -> bool:
        return len(self.names) == 2 or self.layout.form != "values"


def choose(path: Path, variables: Iterable[Variable], asked: Asked) -> Choice:
    """Choose the array that holds the samples.

    Raises:
        InvalidInput: `variable` is not in the file, or several arrays could be meant.
        RunError: No array can be meant.
    """
    variables = list(variables)
    choices = [*_pairs(variables), *_single(variables)]
    if asked.variable is not None:
        return _named(path, asked.variable, variables, choices)
    choices = [one for one in choices if one.layout.length >= _FEWEST_SAMPLES]
    possible = [one for one in choices if one.is_complex]
    if not possible and asked.is_real:
        possible = [one for one in choices if not one.is_complex]
    if not possible:
        found = _short(f"{one.name} ({one.dtype.name} of shape {one.shape})" for one in variables)
        real = " If one is a real signal, set real to true." if choices else ""
        raise RunError(f"{path}: no array in it holds I and Q: {found or 'it has no arrays'}.{real}")
    if len(possible) > 1:
        names = _short(one.names[0] for one in possible)
        raise InvalidInput("variable", f"{path} holds several recordings; set variable to one of {names}.")
    return possible[0]


def _named(path: Path, name: str, variables: list[Variable], choices: list[Choice]) -> Choice:
    if found := next((one for one in choices if name in one.names), None):
        return found
    if array := next((one for one in variables if one.name == name), None):
        raise InvalidInput(
            "variable",
            f"'{name}' of {path} is {array.dtype.name} of shape {array.shape}; supported are {READABLE}.",
        )
    names = _short(one.names[0] for one in choices) or "no array that could be a recording"
    raise InvalidInput("variable", f"{path} has no array '{name}'; it has {names}.")


def _single(variables: list[Variable]) -> list[Choice]:
    paired = {name for pair in _pairs(variables) for name in pair.names}
    layouts = ((one, layout_of(one.shape, one.dtype)) for one in variables if one.name not in paired)
    return [Choice((one.name,), layout, one.dtype) for one, layout in layouts if layout is not None]


def _pairs(variables: list[Variable]) -> list[Choice]:
    names = {one.name.lower(): one for one in variables}
    found = []
    for one in variables:
        other = next((names[other] for other in _names_of_q(one.name.lower()) if other in names), None)
        layout = layout_of(one.shape, one.dtype)
        is_alike = other is not None and (one.shape, one.dtype) == (other.shape, other.dtype)
        if other is not None and is_alike and layout is not None and layout.form == "values":
            found.append(Choice((one.name, other.name), layout, one.dtype))
    return found


def _names_of_q(name: str) -> list[str]:
    """The names that Q can have where this is the lower-case name of I."""
    found = []
    for i, q in _PAIRS:
        match = re.fullmatch(rf"(.*[/._-]|){i}|{i}([/._-].*|\d+)|(.*){i}_?(data|samples)", name)
        if match:
            at = match.end(1) if match[1] is not None else (0 if match[2] is not None else match.end(3))
            found.append(name[:at] + q + name[at + len(i) :])
    return found


def _short(names: Iterable[str]) -> str:
    listed = list(islice(names, _MOST_NAMES + 1))
    return ", ".join(listed[:_MOST_NAMES]) + (", …" if len(listed) > _MOST_NAMES else "")


def rate_and_frequency(numbers: Mapping[str, float]) -> tuple[float | None, tuple[Capture, ...], tuple[Note, ...]]:
    """Sample rate and centre frequency among numbers with names such as fs, SampleRate or center_freq_MHz."""
    rates = _matching(_RATE, numbers)
    frequencies = _matching(_FREQUENCY, numbers)
    rate_hz, rate_notes = _one(
        "sample rate", "samples/s", {k: v for k, v in rates.items() if 0 < v <= HIGHEST_RATE_HZ}
    )
    frequency_hz, frequency_notes = _one("centre frequency", "Hz", frequencies)
    captures = () if frequency_hz is None else (Capture(0, frequency_hz),)
    return rate_hz, captures, (*rate_notes, *frequency_notes)


def _matching(pattern: re.Pattern[str], numbers: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for name, number in numbers.items():
        letters = re.sub(r"[^a-z0-9]", "", re.split(r"[/.]", name)[-1].lower())
        match = pattern.fullmatch(letters)
        if match and math.isfinite(number):
            found[name] = number * _FACTORS.get((match["unit"] or "-")[0], 1.0)
    return found


def _one(what: str, unit: str, found: dict[str, float]) -> tuple[float | None, list[Note]]:
    if not found:
        return None, []
    said = ", ".join(f"{name} {number:.10g} {unit}" for name, number in found.items())
    if len(set(found.values())) > 1:
        return None, [Note(f"several numbers could be its {what}, and none is used: {said}")]
    return next(iter(found.values())), [Note(f"its {what} is {said}", "INFO")]
