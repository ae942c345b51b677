"""How strong the emitter of a recording is, and its noise.

In-band SNR is the emitter's mean power while it is on, over the noise power in a band. Whatever stands out of the
noise counts as the emitter: interference, too. A constant offset (the receiver's own carrier) does not.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.special import gammaincinv

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import Recording

#: The power is looked at in blocks of so many FFTs of so many points: 51 µs at 20 MS/s
_POINTS, _FFTS = 64, 16
_BLOCK = _POINTS * _FFTS
#: Longer recordings are looked at in pieces that lie evenly in them: 134 MB of complex64, one piece at a time
_PIECES, _PIECE_BLOCKS = 64, 256
#: At each frequency the floor is what the quietest of so many blocks have
_QUIET_SHARE = 0.05
#: Frequencies that are always so much above the quieter ones hold an emitter that never pauses: 6 dB
_ALWAYS_ON = 4.0
#: The floor of such frequencies is that of the quieter ones: of the quarter of the band that is quietest
_QUIET_BAND = 0.25
#: The emitter is on when one frequency is so much above its floor (6 dB: a narrow signal), or the sum of all is
#: (5 standard deviations of noise: a wide one)
_ON, _ON_IN_ALL = 4.0, 1.2
#: and within 30 dB of the strongest block: in the pauses of a quantized recording there may be no noise at all
_FAINT = 1e-3

#: mean power of each block at each frequency, float32 (blocks, _POINTS)
_Powers = npt.NDArray[np.float32]
#: noise power at each frequency, (_POINTS,)
_Floor = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OnPower:
    """Powers of a recording, as mean squares of samples whose full scale is 1."""

    #: of the emitter while it is on, without the noise; 0: nothing stands out of the noise
    signal_power: float
    #: of the noise, in the whole band
    floor_power: float

    def snr_db(self, band_share: float = 1.0) -> float:
        """The SNR in dB in this share of the band, for white noise; minus infinity without a signal."""
        if self.signal_power <= 0:
            return -math.inf
        if self.floor_power <= 0:
            return math.inf
        return 10 * math.log10(self.signal_power / (self.floor_power * band_share))


def on_power(recording: Recording) -> OnPower:
    """Estimate the emitter's power while it is on, and the power of the noise.

    The floor is that of the pauses, at each frequency for itself. For frequencies without pauses it is that of the
    quietest frequencies; so an emitter that never pauses must leave a quarter of the band free.

    Raises:
        RunError: The recording is shorter than 1024 samples, or cannot be read.
    """
    blocks = _block_powers(recording)
    first = _first_floor(np.concatenate(blocks))
    faint = _FAINT * max(float(power.sum(axis=1).max()) for power in blocks)
    paused = [power[_inner(~_is_on(power, first, faint))] for power in blocks]
    floor = np.concatenate(paused).mean(axis=0, dtype=np.float64) if any(map(len, paused)) else first
    on = np.concatenate([power[_inner(_is_on(power, floor, faint))] for power in blocks])
    signal = float(on.sum(axis=1, dtype=np.float64).mean() - floor.sum()) if len(on) else 0.0
    return OnPower(max(0.0, signal), float(floor.sum()))


def _block_powers(recording: Recording) -> list[_Powers]:
    """The powers of each piece of the recording."""
    block_count = recording.sample_count // _BLOCK
    if block_count == 0:
        raise RunError(
            f"{recording.path}: {recording.sample_count} samples are too few to tell signal and noise apart; "
            f"{_BLOCK} are needed. Record longer."
        )
    if block_count <= _PIECES * _PIECE_BLOCKS:
        starts = np.arange(0, block_count, _PIECE_BLOCKS)
    else:
        starts = np.linspace(0, block_count - _PIECE_BLOCKS, _PIECES).astype(np.int64)
    mean = _mean(recording, starts, block_count)
    return [_piece(recording, int(start), min(_PIECE_BLOCKS, block_count - int(start)), mean) for start in starts]


def _mean(recording: Recording, starts: npt.NDArray[np.int64], block_count: int) -> complex:
    """The constant offset: the mean of the samples."""
    total, count = 0j, 0
    for start in starts.tolist():
        samples = recording.read(start * _BLOCK, min(_PIECE_BLOCKS, block_count - start) * _BLOCK)
        total += complex(samples.sum(dtype=np.complex128))
        count += len(samples)
    return total / count


def _piece(recording: Recording, start: int, blocks: int, mean: complex) -> _Powers:
    samples = recording.read(start * _BLOCK, blocks * _BLOCK) - np.complex64(mean)
    window = np.hanning(_POINTS + 1)[:-1]
    window /= np.sqrt(_POINTS * np.sum(window**2))  # the sum over all frequencies is the mean power
    spectra = scipy.fft.fft(samples.reshape(-1, _POINTS) * window.astype(np.float32), axis=1)
    powers: _Powers = (np.abs(spectra) ** 2).reshape(blocks, _FFTS, _POINTS).mean(axis=1)
    return powers


def _first_floor(powers: _Powers) -> _Floor:
    """The noise power at each frequency, too high by about 1 dB where the pauses are short."""
    # The power of noise in a block has a gamma distribution; its quantile is below its mean.
    low = gammaincinv(_FFTS, _QUIET_SHARE) / _FFTS
    floor = np.quantile(powers, _QUIET_SHARE, axis=0) / low
    quiet = np.quantile(floor, _QUIET_BAND)
    usual: _Floor = np.where(floor > _ALWAYS_ON * quiet, quiet, floor)
    return usual


def _is_on(powers: _Powers, floor: _Floor, faint: float) -> npt.NDArray[np.bool_]:
    """For each block whether the emitter is on, bool (blocks,)."""
    one_is_loud = (powers > _ON * floor).any(axis=1)
    total = powers.sum(axis=1)
    is_on: npt.NDArray[np.bool_] = (one_is_loud | (total > _ON_IN_ALL * floor.sum())) & (total > faint)
    return is_on


def _inner(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The chosen blocks between chosen ones, if there are any: at its ends a burst fills a part of a block."""
    around = np.pad(chosen, 1, mode="edge")
    inner = chosen & around[:-2] & around[2:]
    return inner if inner.any() else chosen
