"""Types of samples as people write them: `Complex Float`, `16-bit`, `单精度`."""

import re
import unicodedata
from dataclasses import dataclass

#: numpy's name of one value for a pattern in the lower-case letters and digits. The first match wins.
_NAMES = (
    (
        r"uint8|unsigned(int|integer|byte|char)?8|unsigned(byte|char)|ubyte|uchar|8bitunsigned|\bc?u8|无符号.*8",
        "uint8",
    ),
    (r"uint16|unsigned(int|integer|short)?16|unsignedshort|ushort|16bitunsigned|\bc?u16|无符号.*16", "uint16"),
    (r"uint32|unsigned(int|integer|long)?32|32bitunsigned|\bc?u32|无符号.*32", "uint32"),
    (r"unsigned|uint|无符号", None),
    (r"float16|half|fp16|半精度", "float16"),
    (r"complexfloat64|complexfloat128", None),  # two values of 32 or of 64 bits
    (r"double|float64|64bitfloat|fp64|f64|(fc|cf)64|complex128|双精度", "float64"),
    (r"float|single|fp32|f32|(fc|cf)32|complex64|real32|单精度|浮点", "float32"),
    (r"64", None),
    (r"int16|integer16|short|(sc|ci|cs|ri|pcm)16|\b[is]16|16bit|16位|短整|整型16", "int16"),
    (r"int32|integer32|(sc|ci|cs)32|\b[is]32|32bitint", "int32"),
    (r"int8|integer8|signedbyte|char|(sc|ci|cs)8|\b[is]8|字符", "int8"),
)
#: one byte, which may have a sign or not
_BYTE = re.compile(r"\b(complex)?(8bit|(?<!\d)byte|8位|字节)")
_BIG_ENDIAN = re.compile(r"bigendian|大端|(?<=\d)be$|^>|\bmsbfirst")


@dataclass(frozen=True)
class TypeName:
    """numpy's name of one value; `assumed` says what was decided, if anything."""

    data_type: str
    assumed: str | None = None


def parse(text: str) -> TypeName | None:
    """Read the name of a type. None: it is unknown, or may mean several types."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    letters = re.sub(r"[^a-z0-9>\u4e00-\u9fff]", "", plain)
    if found := re.fullmatch(r">?([iuf])([1248])", letters):
        kind = {"i": "int", "u": "uint", "f": "float"}[found[1]]
        # `i8` is a type of numpy, and of 8 bits in other programs. No recording has integers of 64 bits.
        bits = 8 if found[2] == "8" and found[1] != "f" else 8 * int(found[2])
        named: str | None = f"{kind}{bits}"
    else:
        named = next((name for pattern, name in _NAMES if re.search(pattern, letters)), None)
        if named is None and _BYTE.search(letters) and "unsigned" not in letters:
            return TypeName("int8", "bytes with a sign are assumed")
    if named is None:
        return None
    return TypeName(f"{named} big-endian" if _BIG_ENDIAN.search(letters) and "8" not in named else named)
