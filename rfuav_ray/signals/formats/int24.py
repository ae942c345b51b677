"""Samples of three bytes, as WAV files of 24 bits have them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rfuav_ray.signals.stored_samples import RTL_SDR_ZERO, RawSamples, Stored


@dataclass(frozen=True)
class Int24Samples:
    """Interleaved I/Q or real values of 24 bits."""

    path: Path
    sample_count: int
    is_complex: bool
    offset_bytes: int
    byte_order: Literal["<", ">"] = "<"
    unsigned_zero: float = RTL_SDR_ZERO

    def stored(self, start: int, count: int) -> Stored:
        """These samples as int32, whose lowest byte is 0: I/Q (count, 2) or real (count,)."""
        values = 2 if self.is_complex else 1
        # RawSamples maps and checks the bytes; a "sample" of it is one byte.
        raw = RawSamples(self.path, "|u1", False, self.offset_bytes, 3 * values * self.sample_count)
        three = np.asarray(raw.stored(3 * values * start, 3 * values * count)).reshape(-1, 3)
        four = np.zeros((len(three), 4), np.uint8)
        four[:, 1:] = three if self.byte_order == "<" else three[:, ::-1]
        numbers = four.view("<i4")[:, 0]
        return numbers.reshape(-1, 2) if self.is_complex else numbers
