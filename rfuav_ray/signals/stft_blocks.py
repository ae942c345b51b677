"""The STFT of some samples, as often as it is asked for, and what is kept of it from one pass to the next."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.stft import Block, Power, Read, power_blocks
from rfuav_ray.signals.stft_settings import StftSettings

#: keys of |Z|², uint16 (columns, stft_points): see `loops.coloring.make_keys`
Keys = npt.NDArray[np.uint16]

#: STFT values whose keys are kept (128 MB); more are computed again
_KEPT_VALUES = 2**26


class StftBlocks:
    """The STFT of some samples as blocks (first column, |Z|² of shape (columns, stft_points)) in FFT order.

    A pass over it computes all blocks, and it can be passed over as often as needed. Callers may hold the blocks.
    """

    def __init__(
        self,
        read: Read,
        sample_count: int,
        settings: StftSettings,
        watch: Callable[[Power], None] | None = None,
        *,
        memory: Keys | None = None,
    ) -> None:
        """Compute nothing yet.

        Args:
            read: Reads the samples, from the first one on, once for each pass.
            sample_count: How many there are.
            settings: Those of the spectrogram.
            watch: Is called with the |Z|² of each block, once for each block: in the first pass.
            memory: From `memory_for`, for the keys that a pass keeps. Windows that are drawn one after the other
                can share it, because the pages of new memory take time. None: its own.
        """
        self.columns = settings.columns(sample_count)
        self._arguments = read, sample_count, settings
        self._watch, self._watched = watch, 0
        self._memory = memory

    def __iter__(self) -> Iterator[Block]:
        for first, power in power_blocks(*self._arguments):
            if self._watch and first >= self._watched:
                self._watched = first + len(power)
                self._watch(power)
            yield first, power

    @property
    def memory(self) -> Keys:
        """Memory for the keys of all values; no columns if they are too many to be kept."""
        if self._memory is None:
            self._memory = memory_for(*self._arguments[1:])
        return self._memory


def memory_for(sample_count: int, settings: StftSettings) -> Keys:
    """Memory for the keys of the STFT of that many samples; no columns if they are too many to be kept.

    It takes no space before it is written to.
    """
    columns, points = settings.columns(sample_count), settings.stft_points
    return np.empty((columns if columns * points <= _KEPT_VALUES else 0, points), np.uint16)
