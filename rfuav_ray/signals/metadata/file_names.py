"""Sample rate and centre frequency in the names that SDR programs and people give to recordings.

Only what has one reading counts: a unit of samples in a second (`20MSps`, `40000000sps`, `20MS`), a key (`fs20e6`,
`fc2437MHz`), a frequency in Hz, or the pattern of a program. Dates, numbers and the names of drones are none of
these.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rfuav_ray.signals.metadata.quantities import Kind, plausibility, spelled

#: the whole rate and frequency, as programs write them
_PROGRAMS = (
    # Universal Radio Hacker: HackRF-20200101_120000-433_92MHz-2MSps-2MHz
    r"-(?P<f>\d+(?:_\d+)?)(?P<fu>[kMG]?)Hz-(?P<r>\d+(?:_\d+)?)(?P<ru>[kMG]?)Sps(?:-|$)",
    # gqrx_20200101_120000_433920000_2400000_fc
    r"^gqrx_\d{8}_\d{6}_(?P<f>\d+)(?P<fu>)_(?P<r>\d+)(?P<ru>)(?:_fc)?$",
    # rtl_433: g001_433.92M_250k
    r"_(?P<f>\d+(?:\.\d+)?)(?P<fu>[MG])_(?P<r>\d+(?:\.\d+)?)(?P<ru>[kM])$",
)
#: programs that write frequencies below _LOWEST_BARE_HZ
_RECORDERS = re.compile(r"(sdrsharp|sdr#|hdsdr|sdruno|baseband|gqrx|airspy|sdrconsole|sdrangel)", re.IGNORECASE)
#: a lower one, such as 20 MHz, may be a bandwidth or a sample rate
_LOWEST_BARE_HZ = 160e6
#: where drones and remote controls transmit
_BANDS_HZ = ((433e6, 435e6), (840e6, 930e6), (1.24e9, 1.3e9), (2.4e9, 2.5e9), (5.1e9, 5.95e9))

#: In `433p92` the point is a letter. A number before it may belong to it: `433_92MHz`, `2400-2483MHz`.
_BEFORE = r"(?:(?<![0-9A-Za-z.,])(?P<before>\d{1,4})(?P<joint>[_-]))?"
_NUMBER = rf"{_BEFORE}(?<![0-9A-Za-z.,])(?P<number>\d+(?:[.p]\d+)?(?:e[+]?\d{{1,2}})?) ?"
_END = r"(?![0-9A-Za-z])"
#: `20MS` counts samples in a second; `20ms` are milliseconds, and `20MSamples` a number of samples
_RATE = re.compile(rf"{_NUMBER}(?P<unit>[kKmMgG]?(?i:sps|saps|sa?[-_]s)|[kKMG]Sa?){_END}")
_FREQUENCY = re.compile(rf"{_NUMBER}(?P<unit>[kKmMgG]?(?i:hz)){_END}")
#: `2.4G`
_BAND = re.compile(rf"{_NUMBER}(?P<unit>G){_END}")

_KEYED = (
    r"(?<![A-Za-z])(?i:{})[ _=-]?(?P<number>\d+(?:[.p]\d+)?(?:e[+]?\d{{1,2}})?) ?(?P<unit>[kKmMgG]?(?i:hz|sps|s)?)"
)
_KEYED_RATE = re.compile(_KEYED.format("fs|sr|(?<![a-z][-_ ])rate|samp(?:le|ling)?[-_ ]?rate") + _END)
_KEYED_FREQUENCY = re.compile(_KEYED.format("fc|cf|freq|frequency|cent(?:er|re)(?:[-_ ]?freq)?") + _END)
_BANDWIDTH = re.compile(_KEYED.format("bw|bandwidth|span|offset") + _END)
#: smaller numbers without a unit are years and the like
_LOWEST_WITHOUT_UNIT = 8000
#: `x_2.4GHz` has none
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9-]*$")
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True)
class NameSays:
    """What a name says; None: nothing, or nothing certain."""

    sample_rate_hz: float | None = None
    center_frequency_hz: float | None = None
    #: the name states several sample rates
    remark: str | None = None


def parse(name: str) -> NameSays:
    """Read the name of a recording, with or without its suffix."""
    stem = _SUFFIX.sub("", name)
    for pattern in _PROGRAMS:
        if found := re.search(pattern, stem):
            rate_hz, frequency_hz = _value(found["r"], found["ru"]), _value(found["f"], found["fu"])
            if plausibility(rate_hz, "rate") and plausibility(frequency_hz, "frequency"):
                return NameSays(rate_hz, frequency_hz)
    keyed_rates = list(_keyed(_KEYED_RATE, stem))
    keyed_frequencies = list(_keyed(_KEYED_FREQUENCY, stem))
    rest = stem
    for key in (_KEYED_RATE, _KEYED_FREQUENCY, _BANDWIDTH):
        rest = key.sub("_", rest)
    rates = _plausible(
        [*keyed_rates, *(one for found in _RATE.finditer(rest) for one in _readings(found))], "rate"
    )
    frequencies = _plausible(keyed_frequencies or _bare_frequencies(rest), "frequency")
    remark = f"its name states several sample rates, {' and '.join(spelled(one, 'rate') for one in rates)}"
    return NameSays(
        rates[0] if len(rates) == 1 else None,
        frequencies[0] if len(frequencies) == 1 else None,
        remark if len(rates) > 1 else None,
    )


def _keyed(key: re.Pattern[str], stem: str) -> Iterator[float]:
    for found in key.finditer(stem):
        value = _value(found["number"], found["unit"])
        is_plain = found["number"].isdigit() and not found["unit"]
        if not is_plain or (value >= _LOWEST_WITHOUT_UNIT and not _DATE.fullmatch(found["number"])):
            yield value


def _bare_frequencies(stem: str) -> list[float]:
    found = [value for match in _FREQUENCY.finditer(stem) for value in _readings(match)]
    found += [value for match in _BAND.finditer(stem) for value in _readings(match) if _is_band(value)]
    return found if _RECORDERS.match(stem) else [value for value in found if value > _LOWEST_BARE_HZ]


def _readings(found: re.Match[str]) -> list[float]:
    """The values that a number may mean, with the number before it: none, one or two."""
    value = _value(found["number"], found["unit"])
    before, joint, number = found["before"], found["joint"], found["number"]
    if before is None or not number.isdigit():
        return [value]
    if joint == "-":  # `2400-2483MHz` is a range
        return [] if int(number) / 2 < int(before) < int(number) else [value]
    if len(number) > 3 or number.endswith("0") or (before.startswith("0") and before != "0"):
        return [value]
    both = [value, _value(f"{before}.{number}", found["unit"])]
    return [one for one in both if _is_band(one)] or both


def _value(number: str, unit: str) -> float:
    factor = {"k": 1e3, "m": 1e6, "g": 1e9}.get(unit[:1].lower(), 1.0)
    return float(re.sub("[p_]", ".", number)) * factor


def _is_band(value_hz: float) -> bool:
    return any(low <= value_hz <= high for low, high in _BANDS_HZ)


def _plausible(values: list[float], kind: Kind) -> list[float]:
    """Each plausible value once."""
    return list(dict.fromkeys(value for value in values if plausibility(value, kind)))
