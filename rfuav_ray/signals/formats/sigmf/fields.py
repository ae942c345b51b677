"""The fields of SigMF metadata without which no sample can be read. Each raises RunError if it cannot be used."""

import re
from pathlib import Path
from typing import Any

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import HIGHEST_RATE_HZ
from rfuav_ray.signals.formats.sigmf.captures import number_of
from rfuav_ray.signals.formats.sigmf.files import Content

_DATA_TYPE = re.compile(r"([cr])(f32|f64|i32|i16|i8|u32|u16|u8)(?:_(le|be))?")


def data_type(path: Path, named: object) -> tuple[str, bool]:
    """numpy's type string of one value, and whether samples are complex. The default is little-endian."""
    match = _DATA_TYPE.fullmatch(named.lower()) if isinstance(named, str) else None
    if match is None:
        what = "is missing" if named is None else f"is {_short(named)}"
        raise RunError(
            f"{path}: core:datatype {what}; supported are cf32_le, ri16_be and the like: c or r, then f32, f64, "
            "i32, i16, i8, u32, u16 or u8, then _le or _be."
        )
    kind, value, order = match.groups()
    return f"{'>' if order == 'be' else '<'}{value[0]}{int(value[1:]) // 8}", kind == "c"


def is_pair(path: Path, channels: object, *, is_complex: bool) -> bool:
    """Whether two channels of real values are I and Q: programs write so of a stereo WAV file."""
    if channels is None or channels == 1:
        return False
    if channels == 2 and not is_complex:
        return True
    raise RunError(f"{path}: core:num_channels is {_short(channels)}; only recordings of one channel can be read.")


def sample_rate_hz(path: Path, fields: dict[str, Any]) -> float | None:
    """None if it is not stated, which SigMF allows."""
    value = fields.get("core:sample_rate")
    if value is None:
        return None
    if not 0 < number_of(value) <= HIGHEST_RATE_HZ:
        raise RunError(
            f"{path}: core:sample_rate is {_short(value)}; it must be above 0 and at most {HIGHEST_RATE_HZ:g} "
            "samples/s. Correct it, or remove it and set sample_rate_hz."
        )
    return number_of(value)


def header_bytes(path: Path, content: Content) -> int:
    """Bytes before the first sample."""
    stated = [capture.get("core:header_bytes") for capture in content.captures]
    sizes = [byte_count(path, "core:header_bytes", value) for value in stated]
    if any(sizes[1:]):
        raise RunError(
            f"{path}: core:header_bytes of a later capture: headers between samples are not supported. "
            "Write each capture as a separate recording."
        )
    return sizes[0] if sizes else 0


def byte_count(path: Path, field: str, value: object) -> int:
    """A number of bytes; 0 if it is not stated."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise RunError(f"{path}: {field} is {_short(value)}; it must be a whole number of bytes, 0 or more.")
    return value


def _short(value: object) -> str:
    return repr(value)[:80]
