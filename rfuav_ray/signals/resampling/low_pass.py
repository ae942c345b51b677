"""Low-pass filtering and decimation by FFTs (overlap-save). Knows no recordings.

`in` in a name means: at the original's sample rate. `out` means: at the lower one.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.fft

from rfuav_ray.signals.stored_samples import Samples

#: of the new Nyquist frequency: passed unchanged; the stop band begins at the new Nyquist frequency itself
_PASS_BAND = 0.9
#: the ripple of the pass band is as small, relative to 1
_STOP_BAND_DB = 80.0
#: length of an FFT, in margins of one side: 1/8 of the work is done twice
_MARGINS_PER_FFT = 16


class LowPass(NamedTuple):
    """The filter for one ratio of sample rates, and the sizes of its FFTs."""

    fft_in: int
    fft_out: int
    #: at each end of an FFT: samples that are spoilt, because the filter wraps around there
    margin_in: int
    margin_out: int
    #: between the margins; also the distance from one FFT to the next
    kept_in: int
    kept_out: int
    #: at the frequencies of the shorter FFT; it is real, so nothing is delayed
    response: npt.NDArray[np.float32]

    def samples_in(self, ffts: int) -> int:
        """How many samples these FFTs, one after the other, take: the margins overlap."""
        return (ffts - 1) * self.kept_in + self.fft_in

    def decimated(self, samples: Samples) -> Samples:
        """The low-passed, decimated samples.

        The shorter inverse FFT takes only the frequencies below the new Nyquist frequency. That decimates, and
        gives the values between samples, without a filter at the common multiple of both rates.

        Args:
            samples: As many as `samples_in` says, from `margin_in` before the first one that counts.

        Returns:
            complex64, `kept_out` samples for each FFT.
        """
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.fft_in)[:: self.kept_in]
        positive, negative = (self.fft_out + 1) // 2, self.fft_out // 2
        # Absurd samples overflow, for example in a file read with the wrong data_type.
        with np.errstate(over="ignore", invalid="ignore"):
            spectrum = scipy.fft.fft(frames, axis=1)
            low = np.concatenate([spectrum[:, :positive], spectrum[:, -negative:]], axis=1)
            low *= self.response
        made = scipy.fft.ifft(low, axis=1, overwrite_x=True)
        kept: Samples = made[:, self.margin_out : self.margin_out + self.kept_out].ravel()
        return kept


def filter_taps(ratio: float) -> npt.NDArray[np.float64]:
    """The filter: a linear-phase FIR of odd length with a Kaiser window (scipy.signal.kaiserord, firwin).

    Args:
        ratio: Of the new sample rate to the rate at which the filter works.
    """
    # Imported here: it takes a second, and most processes filter nothing.
    from scipy.signal import firwin, kaiserord  # noqa: PLC0415

    count, beta = kaiserord(_STOP_BAND_DB, (1 - _PASS_BAND) * ratio)
    taps: npt.NDArray[np.float64] = firwin(count | 1, (1 + _PASS_BAND) / 2 * ratio, window=("kaiser", beta))
    return taps


@lru_cache(maxsize=8)
def low_pass(up: int, down: int) -> LowPass:
    """The filter that comes to up/down of the sample rate."""
    taps = filter_taps(up / down)
    # Sizes in groups: `down` samples of the original last as long as `up` of the result.
    margin = -(-(len(taps) // 2) // down)
    groups = scipy.fft.next_fast_len(_MARGINS_PER_FFT * margin)
    kept = groups - 2 * margin
    fft_in, fft_out = groups * down, groups * up
    centred = np.roll(np.pad(taps, (0, fft_in - len(taps))), -(len(taps) // 2))
    positive = scipy.fft.rfft(centred).real[: fft_out // 2 + 1] * (up / down)
    if fft_out % 2 == 0:
        positive[-1] = 0  # the new Nyquist frequency: on one side alone it would make a real signal complex
    response = np.concatenate([positive[: (fft_out + 1) // 2], positive[:0:-1]]).astype(np.float32)
    return LowPass(fft_in, fft_out, margin * down, margin * up, kept * down, kept * up, response)
