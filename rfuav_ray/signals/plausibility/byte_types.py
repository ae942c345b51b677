"""Which type of values a run of bytes holds, judged by how often each byte occurs at each position of a value.

- float32, float64: read as such, the values lie in the range of receivers, and the byte with the exponent takes
  few values, unlike the others.
- 8 bits: all positions are alike. 16 bits: the low bytes are uniform or go with the sign, the high bytes are not.
- Signed or unsigned: the values lie around 0 or around the middle of the range.

Only strong evidence counts. Silence, a few levels or uniform noise at full scale give no answer.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
#: numpy's type strings, in the order of likelihood; empty: not known
Types = tuple[str, ...]

#: Tones that programs compute have values of about 1e-17 where they cross zero.
_LOWEST_FLOAT, _HIGHEST_FLOAT = 1e-20, 1e12
_FEWEST_GROUPS, _FEWEST_VALUES = 500, 64
#: the median of positive and that of negative floats differ less, in powers of two
_LARGEST_ASYMMETRY = 12
#: distance of two distributions, 0 to 1: alike up to here, different from `_DIFFERENT` on
_ALIKE, _DIFFERENT = 0.3, 0.5
#: I and Q have different offsets
_LARGEST_OFFSET = 6
#: chi square for each degree of freedom: uniform up to here, not uniform from `_NOT_UNIFORM` on
_UNIFORM, _NOT_UNIFORM = 2.0, 5.0
_FEWEST_LEVELS = 6
_EACH_BYTE = np.arange(256, dtype=np.uint8)


def likely_types(places: Sequence[Bytes]) -> Types:
    """The types that the bytes can be of, by a vote of several places of a file.

    Args:
        places: Runs of bytes. Each begins at a multiple of 8 bytes from the first value.

    Returns:
        One type; or two, if signed and unsigned cannot be told apart; or none.
    """
    votes = [types for place in places if (types := _types_of(place[: len(place) // 8 * 8]))]
    # Between bursts there may be nothing but silence, which has no vote.
    if not votes or len(votes) < min(2, len(places)):
        return ()
    winner = max(votes, key=votes.count)
    agreeing = [one for one in votes if set(one) & set(winner)]
    return winner if len(agreeing) >= 0.9 * len(votes) else ()


def _types_of(place: Bytes) -> Types:
    if len(np.unique(place.view("<u4"))) < _FEWEST_VALUES:
        return ()  # a short period fits many types
    return _float_types(place) or _integer_types(place)


def _float_types(place: Bytes) -> Types:
    for order in "<>":
        # Whole numbers in float64 have low halves of zeros. Read as float32, each second value is then 0.
        halves = place.reshape(-1, 8)[:, :4] if order == "<" else place.reshape(-1, 8)[:, 4:]
        names = (f"{order}f8", f"{order}f4") if not halves.any() else (f"{order}f4", f"{order}f8")
        for name in names:
            if _is_float(place, name):
                return (name,)
    return ()


def _is_float(place: Bytes, name: str) -> bool:
    values = place.view(name)
    with np.errstate(invalid="ignore"):
        size = np.abs(values)
        is_usual = (size == 0) | ((size > _LOWEST_FLOAT) & (size < _HIGHEST_FLOAT))
    positive, negative = np.mean(values > 0), np.mean(values < 0)
    if is_usual.mean() < 0.999 or min(positive, negative) < 0.05:
        return False
    # The sign of an integer decides which exponent its bytes make, so one sign has far larger floats.
    exponents = [np.median(np.log2(size[values * sign > 0])) for sign in (1, -1)]
    if abs(exponents[0] - exponents[1]) > _LARGEST_ASYMMETRY:
        return False
    columns = place.reshape(-1, values.itemsize)[values != 0]
    columns = columns if name[0] == "<" else columns[:, ::-1]
    # In a float the sign and the exponent come last, and nothing else looks like them.
    return all(_distance(columns[:, -1], columns[:, at]) > _DIFFERENT for at in (0, -3))


def _integer_types(place: Bytes) -> Types:
    groups = place.reshape(-1, 4)
    groups = groups[groups.any(axis=1)]  # silence says nothing
    if len(groups) < _FEWEST_GROUPS:
        return ()
    if types := _eight_bits(groups):
        return types
    for order, columns in (("<", groups), (">", groups[:, ::-1])):
        if types := _wider(columns, order):
            return types
    return ()


def _eight_bits(groups: Bytes) -> Types:
    even, odd = groups[:, ::2].ravel(), groups[:, 1::2].ravel()
    has_levels = min(_levels(even), _levels(odd)) >= _FEWEST_LEVELS
    difference = _distance(even, odd)
    # The low bytes of wider integers are uniform, or nearly so.
    least = min(_distance(one, _EACH_BYTE) for one in (even, odd, *groups.T))
    if not has_levels or difference > _ALIKE or least < 2 * difference + 0.1:
        return ()
    signs = _signs(groups.ravel())
    return {"i": ("|i1",), "u": ("|u1",)}.get(signs, ("|i1", "|u1"))


def _wider(columns: Bytes, order: str) -> Types:
    """16 or 32 bits, for bytes in the order from low to high."""
    is_alike = _distance(columns[:, 1], columns[:, 3]) <= _ALIKE
    if is_alike and _is_pair(columns[:, ::2].ravel(), columns[:, 1::2].ravel()):
        signs = _signs(columns[:, 1::2].ravel())
        return {"i": (f"{order}i2",), "u": (f"{order}u2",)}.get(signs, (f"{order}i2", f"{order}u2"))
    is_filled = _is_uniform(columns[:, 1]) or not columns[:, 1].any()
    is_different = _distance(columns[:, 1], columns[:, 3]) > _DIFFERENT
    if is_filled and is_different and _is_pair(columns[:, 2], columns[:, 3]):
        return (f"{order}i4",)
    return ()


def _is_pair(low: Bytes, high: Bytes) -> bool:
    """Whether these are the low and the high bytes of integers."""
    if _is_uniform(low) and _chi_square(high, 256) > _NOT_UNIFORM:
        return True
    is_short = (high == 0) | (high == 255)
    has_sign = (high == 255) == (low >= 128)
    is_signed = 0.05 < np.mean(high == 255) < 0.95
    has_levels = _levels(low) >= _FEWEST_LEVELS
    return bool(is_short.mean() > 0.95 and (is_short & has_sign).mean() > 0.9 and is_signed and has_levels)


def _signs(values: Bytes) -> str:
    """`i`: the values lie around 0 of signed integers; `u`: around the middle of unsigned ones; empty: neither."""
    shares = _shares(values)
    found = ""
    for name, centre in (("i", 0), ("u", 128)):
        here = np.roll(shares, 128 - centre)
        # Values at both ends of the range also lie around the other centre, but leave a gap or a peak there.
        middle, beside = here[126:131].mean(), np.concatenate([here[118:123], here[134:139]]).mean()
        peak = here[127:129].sum() > 3 * (here[126] + here[129])
        if here[112:144].sum() > 10 * (here[:16].sum() + here[-16:].sum()) and middle > 0.7 * beside and not peak:
            found += name
    return found


def _is_uniform(values: Bytes) -> bool:
    """Whether the values are uniform, also if their lowest bits are unused."""
    used = int(np.bitwise_or.reduce(values))
    unused = (used & -used).bit_length() - 1
    return used != 0 and unused <= 5 and _chi_square(values >> unused, 256 >> unused) < _UNIFORM


def _chi_square(values: npt.NDArray[Any], levels: int) -> float:
    counts = np.bincount(values, minlength=levels)[:levels]
    expected = len(values) / levels
    return float(((counts - expected) ** 2).sum() / expected / (levels - 1))


def _levels(values: Bytes) -> int:
    return int(np.count_nonzero(_shares(values) > 0.002))


def _distance(first: Bytes, second: Bytes) -> float:
    """Total variation of two distributions, 0 to 1, where one may be shifted a little."""
    one, other = _shares(first), _shares(second)
    shifts = range(-_LARGEST_OFFSET, _LARGEST_OFFSET + 1)
    return float(min(np.abs(one - np.roll(other, shift)).sum() for shift in shifts) / 2)


def _shares(values: Bytes) -> npt.NDArray[np.float64]:
    return np.bincount(values, minlength=256) / len(values)
