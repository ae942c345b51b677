"""Sample rates and frequencies as people write them: `20 MS/s`, `2437,5 MHz`, `100 兆赫`."""

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from rfuav_ray.signals.description import HIGHEST_RATE_HZ

Kind = Literal["rate", "frequency"]

#: a number without a unit is in Hz from here on
_LOWEST_IN_HZ = 1e5
#: What receivers of drones and remote controls use, and what any receiver uses. This decides ambiguous numbers.
_USUAL_HZ = {"rate": (200e3, 1e9), "frequency": (20e6, 100e9)}
_POSSIBLE_HZ = {"rate": (1e3, 20e9), "frequency": (1e5, 300e9)}

_QUANTITY = re.compile(
    r"\+?(\d[\d.,'’_ ]*)(?:\s*e\s*([-+]?\d{1,4})|\s*[x×*·]\s*10\s*(?:\^|\*\*)?\s*([-+]?\d{1,4}))?\s*(\D.*)?",
    re.IGNORECASE | re.DOTALL,
)
_UNIT = re.compile(
    r"(k|kilo|к|千|m|mega|м|兆|g|giga|г|吉|万|亿)?"
    r"(hz|hertz|гц|赫兹|赫|s/s|sa/s|s/sec|sps|saps|samp/s|samples?/s|samples?/sec(?:ond)?|samples?persecond"
    r"|采样/秒|样点/秒|点/秒)?"
)
_FACTORS: dict[str | None, float] = {None: 1.0, "万": 1e4, "亿": 1e8}
_FACTORS |= dict.fromkeys(("k", "kilo", "к", "千"), 1e3)
_FACTORS |= dict.fromkeys(("m", "mega", "м", "兆"), 1e6)
_FACTORS |= dict.fromkeys(("g", "giga", "г", "吉"), 1e9)


@dataclass(frozen=True)
class Quantity:
    """A sample rate or a frequency."""

    value_hz: float
    #: the text has other readings, and the most plausible one was taken
    is_assumed: bool = False


def parse(text: str, kind: Kind, *, unit: str = "") -> Quantity | None:
    """Read a sample rate or a frequency.

    Args:
        text: A number, with or without a unit. Decimal commas, thousands separators, exponents and full-width
            characters are read.
        kind: Decides what is plausible where a number is ambiguous: `2,437 GHz`.
        unit: Used if the text has none. Without any, numbers from 100 000 on are in Hz, and smaller ones in MHz
            or, if that is more plausible, in GHz or Hz.

    Returns:
        None if the text is not a number from 0 to 1e12 Hz with a known unit, or a rate of 0.
    """
    # NFKC makes ASCII of full-width characters, `MHz` of `㎒` and a blank of a no-break space.
    match = _QUANTITY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        return None
    power = float(f"1e{match[2] or match[3] or 0}")
    numbers = [number * power for number in _numbers(match[1].strip())]
    if power != 1:  # nobody groups thousands in 5.765e9
        numbers = numbers[:1]
    stated = _letters(match[4] or "") or _letters(unicodedata.normalize("NFKC", unit))
    if stated:
        factor = _factor(stated)
        values = [] if factor is None else [number * factor for number in numbers]
    else:
        values = [value for number in numbers for value in _without_unit(number)]
    best = max(values, key=lambda value: plausibility(value, kind), default=math.nan)
    # 0 Hz is a frequency, of a recording that was mixed down.
    if not 0 <= best <= HIGHEST_RATE_HZ or (best == 0 and kind == "rate"):
        return None
    is_plain = stated and best == values[0] and "," not in match[1]
    return Quantity(best, is_assumed=len(set(values)) > 1 and not is_plain)


def plausibility(value_hz: float, kind: Kind) -> int:
    """2: receivers of drones use such values; 1: some receiver does; 0: none does."""
    return sum(low <= value_hz <= high for low, high in (_USUAL_HZ[kind], _POSSIBLE_HZ[kind]))


def spelled(value_hz: float, kind: Kind) -> str:
    """The value for people: `20 MS/s`, `2.437 GHz`."""
    factor, prefix = next(
        ((factor, prefix) for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if abs(value_hz) >= factor),
        (1.0, ""),
    )
    if kind == "rate" and prefix == "G":
        factor, prefix = 1e6, "M"
    return f"{value_hz / factor:.9g} {prefix}{'S/s' if kind == 'rate' else 'Hz'}"


def _without_unit(number: float) -> list[float]:
    """The values that a number without a unit may mean, the likeliest first."""
    return [number] if number == 0 or number >= _LOWEST_IN_HZ else [number * 1e6, number * 1e9, number]


def _letters(unit: str) -> str:
    return "".join(unit.split()).strip(".")


def _factor(unit: str) -> float | None:
    if re.fullmatch(r"[kKMG]S", unit):  # `20 MS`; `20 ms` are milliseconds
        unit += "ps"
    known = _UNIT.fullmatch(unit.lower())
    return _FACTORS[known[1]] if known else None


def _numbers(text: str) -> list[float]:
    """The readings of a number, the likeliest first. Empty: it is none."""
    groups = re.split(r"['’_ ]", text)
    if len(groups) > 1 and not _are_thousands([*groups[:-1], re.split("[.,]", groups[-1])[0]]):
        return []
    joined = "".join(groups)
    separators = re.findall("[.,]", joined)
    if len(set(separators)) == 2:
        # `2,437.5` and `2.437,5`: the last one is the decimal one.
        whole, _, fraction = joined.rpartition(separators[-1])
        thousands = whole.split(separators[0])
        return [float(f"{''.join(thousands)}.{fraction}")] if _are_thousands(thousands) else []
    if len(separators) > 1:
        thousands = joined.split(separators[0])
        return [float("".join(thousands))] if _are_thousands(thousands) else []
    readings = [float(joined.replace(",", "."))]
    # `2,437` and `20.000` may have decimals or thousands.
    if separators and len(groups) == 1 and joined[0] != "0" and _are_thousands(joined.split(separators[0])):
        readings.append(float(joined.replace(separators[0], "")))
    return readings


def _are_thousands(groups: list[str]) -> bool:
    are_digits = all(group.isdigit() for group in groups)
    return are_digits and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
