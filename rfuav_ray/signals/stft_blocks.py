"""The STFT of some samples, as often as it is asked for."""

from collections.abc import Callable, Iterator

import numpy as np

from rfuav_ray.signals.stft import Block, Power, Read, block_columns, power_blocks
from rfuav_ray.signals.stft_settings import StftSettings

#: STFT values that are kept (128 MB) from one pass to the next; more are computed again
_KEPT_VALUES = 2**25


class StftBlocks:
    """The STFT of some samples as blocks (first column, |Z|² of shape (columns, stft_points)) in FFT order.

    A pass over it gives all blocks, and it can be passed over as often as needed. Callers may hold the blocks: no
    later block overwrites them. Only in `memory` the next window does. Callers must not write to blocks: all
    passes share the kept ones.
    """

    def __init__(
        self,
        read: Read,
        sample_count: int,
        settings: StftSettings,
        watch: Callable[[Power], None] | None = None,
        *,
        memory: Power | None = None,
    ) -> None:
        """Compute nothing yet.

        Args:
            read: Reads the samples, from the first one on, once for each pass that computes.
            sample_count: How many there are.
            settings: Those of the spectrogram.
            watch: Is called with the |Z|² of each block, once for each block: in the first pass.
            memory: From `memory_for`, for the blocks that are kept. Windows that are drawn one after the other can
                share it, because the pages of new memory take time. None: its own.
        """
        self.columns = settings.columns(sample_count)
        self._arguments = read, sample_count, settings
        self._watch, self._watched = watch, 0
        self._memory = memory
        self._kept: Power | None = None

    def __iter__(self) -> Iterator[Block]:
        """All blocks: the kept ones, or computed."""
        if self._kept is None:
            yield from self._watching(power_blocks(*self._arguments))
            return
        count = block_columns(self._kept.shape[1])
        for first in range(0, self.columns, count):
            yield first, self._kept[first : first + count]

    def keeping(self) -> Iterator[Block]:
        """All blocks. Later passes compute none if they are few enough to be kept."""
        if self._memory is None:
            self._memory = memory_for(*self._arguments[1:])
        if self._kept is not None or len(self._memory) < self.columns:
            yield from self
            return
        yield from self._watching(power_blocks(*self._arguments, into=self._memory))
        self._kept = self._memory

    def _watching(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for first, power in blocks:
            if self._watch and first >= self._watched:
                self._watched = first + len(power)
                self._watch(power)
            yield first, power


def memory_for(sample_count: int, settings: StftSettings) -> Power:
    """Memory for all |Z|² of that many samples, float32 (columns, stft_points); no columns if they are too many.

    It takes no space before it is written to.
    """
    columns, points = settings.columns(sample_count), settings.stft_points
    return np.empty((columns if columns * points <= _KEPT_VALUES else 0, points), np.float32)
