"""The suffixes that SDR programs give to files of nothing but samples, and the type that each stands for."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Convention:
    """What a suffix says about the values."""

    #: one of DATA_TYPES; None: programs disagree, so the caller must say it
    data_type: str | None
    #: one real value per sample, not I and Q
    is_real: bool = False
    #: programs give the suffix to several types; this one is the most common
    is_assumed: bool = False


_COMPLEX = {
    # `.iq` and `.dat` are RFUAV's. GNU Radio: .cfile. Universal Radio Hacker (URH): .complex.
    "float32": ".iq .dat .cf32 .fc32 .32cf .32fc .cfile .cfloat .complex .complex64",
    "float64": ".cf64 .fc64 .64cf .64fc .complex128",
    "int32": ".cs32 .sc32 .ci32",
    # URH counts the bits of I and Q together.
    "int16": ".cs16 .sc16 .ci16 .c16 .16sc .16tc .complex32s",
    "uint16": ".cu16 .uc16 .complex32u",
    "int8": ".cs8 .sc8 .ci8 .c8 .complex16s",
    "uint8": ".cu8 .uc8 .complex16u",
}
# The suffixes of inspectrum, rtl_433 and SigMF for real values.
_REAL = {
    "float32": ".f32 .rf32",
    "float64": ".f64 .rf64",
    "int16": ".s16 .ri16",
    "int8": ".s8 .ri8",
    "uint8": ".u8 .ru8",
}

#: The empty suffix is that of a file without one.
CONVENTIONS: dict[str, Convention] = {
    **{suffix: Convention(name) for name, suffixes in _COMPLEX.items() for suffix in suffixes.split()},
    **{suffix: Convention(name, is_real=True) for name, suffixes in _REAL.items() for suffix in suffixes.split()},
    ".bin": Convention(None),
    ".raw": Convention("int16", is_assumed=True),
    "": Convention("float32", is_assumed=True),
}
#: Nobody sees from these names which type was meant. Another type under them is no contradiction.
VAGUE_SUFFIXES = frozenset({".iq", ".dat", ".bin", ".raw", ""})

#: `433.92MHz` at the end of a name is a number, not a suffix
_NUMBER_AT_END = re.compile(r"\d\.\d+[^.]*$")


def suffix_of(path: Path) -> str:
    """The suffix in lower case. Empty if there is none, also where the last dot belongs to a number."""
    suffix = path.suffix.lower()
    if suffix not in CONVENTIONS and _NUMBER_AT_END.search(path.name):
        return ""
    return suffix


def convention_of(path: Path) -> Convention:
    """What the name of a file without a header says. gqrx writes float32 to `..._fc.raw`."""
    if path.name.lower().endswith("_fc.raw"):
        return Convention("float32")
    return CONVENTIONS[suffix_of(path)]
