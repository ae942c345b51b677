"""Applies the nuisances of a recording: to a signal on its way, to the noise, and to all that is received."""

import math

import numpy as np
import numpy.typing as npt
import scipy.fft

from rfuav_ray.signals.simulation.nuisances import Nuisances
from rfuav_ray.signals.stored_samples import Samples

_Response = npt.NDArray[np.float64]

#: attenuation beyond the passband, and width of the edge as a fraction of the band
_STOP_DB, _EDGE = 50.0, 0.03


def with_echoes(signal: Samples, nuisances: Nuisances, sample_rate_hz: float) -> Samples:
    """The signal with its echoes, at the sample nearest to their delay."""
    heard = signal.copy()
    for echo in nuisances.echoes:
        late = min(round(echo.delay_s * sample_rate_hz), len(signal))
        heard[late:] += np.complex64(echo.amplitude) * signal[: len(signal) - late]
    return heard


def coloured(noise: Samples, nuisances: Nuisances) -> Samples:
    """The noise with the slope of `noise_slope_db`, and the power that it had."""
    if nuisances.noise_slope_db == 0:
        return noise
    place = scipy.fft.fftfreq(len(noise))  # -0.5 to 0.5
    gain = 10 ** (nuisances.noise_slope_db * place / 20)
    return _filtered(noise, gain / math.sqrt(float(np.mean(gain**2))))


def received(scene: Samples, nuisances: Nuisances) -> Samples:
    """What the receiver makes of a scene whose noise has a power of 1: its filter first, then its mixer."""
    if nuisances.passband < 1 or nuisances.ripple_db > 0:
        scene = _filtered(scene, _response(len(scene), nuisances))
    if nuisances.iq_gain_db or nuisances.iq_phase_deg:
        scene = _imbalanced(scene, nuisances)
    if nuisances.dc_offset:
        scene = scene + np.complex64(nuisances.dc_offset)
    return scene


def _response(points: int, nuisances: Nuisances) -> _Response:
    """The filter's amplitude at each frequency, in FFT order."""
    place = scipy.fft.fftfreq(points)
    beyond = np.clip((2 * np.abs(place) - nuisances.passband) / _EDGE, 0, 1)
    ripple_db = nuisances.ripple_db / 2 * np.cos(2 * np.pi * nuisances.ripple_periods * place)
    response: _Response = 10 ** ((ripple_db - _STOP_DB * beyond) / 20)
    return response


def _filtered(samples: Samples, response: _Response) -> Samples:
    filtered: Samples = scipy.fft.ifft(scipy.fft.fft(samples) * response.astype(np.float32))
    return filtered


def _imbalanced(scene: Samples, nuisances: Nuisances) -> Samples:
    """I is the reference; Q has its own gain and is not at a right angle to it."""
    angle = math.radians(nuisances.iq_phase_deg)
    mixed = np.empty_like(scene)
    mixed.real = scene.real
    mixed.imag = 10 ** (nuisances.iq_gain_db / 20) * (scene.imag * math.cos(angle) + scene.real * math.sin(angle))
    return mixed
