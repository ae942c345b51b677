"""|Z|² as keys of 16 bits, and the colour of each key: one look-up instead of a logarithm, in half the memory."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.loops.key_format import FIRST_INFINITE, KEY_SHIFT, SUM_BITS
from rfuav_ray.signals.stft_blocks import Keys, StftBlocks
from rfuav_ray.signals.styles.colors import colors

_WHITE = 255
#: keys of the values that are finite and above 1e-40
_FIRST_KEY, _END_KEY = 1, FIRST_INFINITE >> KEY_SHIFT


class KeyedBlocks:
    """The keys of the |Z|² of all blocks: kept from the search for their range, or computed again."""

    def __init__(self, blocks: StftBlocks) -> None:
        self._blocks = blocks
        #: first column and keys of each block
        self._kept: list[tuple[int, Keys]] | None = None

    def __iter__(self) -> Iterator[tuple[int, Keys]]:
        if self._kept is not None:
            yield from self._kept
            return
        for first, keys, _, _ in self._computed():
            yield first, keys

    def find_range_db(self) -> tuple[float, float]:
        """The lowest and the highest finite 10*log10|Z|; (0, 0) if there is none."""
        lowest, highest = 2**32, 0
        kept: list[tuple[int, Keys]] | None = [] if len(self._blocks.memory) else None
        for first, keys, low, high in self._computed():
            lowest, highest = min(lowest, int(low)), max(highest, int(high))
            if kept is not None:
                kept.append((first, keys))
        self._kept = kept
        if not highest:
            return 0.0, 0.0
        low_db, high_db = 5 * np.log10(np.array([lowest, highest], np.uint32).view(np.float32), dtype=np.float64)
        return float(low_db), float(high_db)

    def _computed(self) -> Iterator[tuple[int, Keys, np.int64, np.int64]]:
        from rfuav_ray.signals.loops import coloring  # noqa: PLC0415  # see there

        memory = self._blocks.memory
        for first, power in self._blocks:
            keys = memory[first : first + len(power)] if len(memory) else np.empty(power.shape, np.uint16)
            yield first, keys, *coloring.make_keys(power, keys)


def colors_of_keys(colormap: str, low_db: float, high_db: float) -> npt.NDArray[np.int64]:
    """The colour of each key, int64 (65536,): red, green and blue, 21 bits each.

    As in matplotlib, level i of 256 begins at i / 256 of the range from `low_db` to `high_db` (10*log10|Z|). One
    value alone has the lowest level. What has no finite logarithm is white, as the paper.
    """
    keys = np.arange(_FIRST_KEY, _END_KEY, dtype=np.uint32)
    middle_of_key = (keys << KEY_SHIFT) + (1 << (KEY_SHIFT - 1))
    levels = 5 * np.log10(middle_of_key.view(np.float32)) - low_db
    levels *= 256 / (high_db - low_db) if high_db > low_db else 0
    of_levels = _packed(colors(colormap).astype(np.int64))
    table = np.full(2**16, _packed(np.full(3, _WHITE)), np.int64)
    table[_FIRST_KEY:_END_KEY] = of_levels[np.clip(levels, 0, 255).astype(np.uint8)]
    return table


def _packed(color: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    packed: npt.NDArray[np.int64] = color @ (1 << SUM_BITS * np.arange(3))
    return packed
