"""What a receiver would measure of simulated scenes."""

from typing import Any

import numpy as np
import scipy.signal

RATE_HZ = 20e6
SCENE: dict[str, Any] = {"duration_s": 0.02, "sample_rate_hz": RATE_HZ, "snr_db": 20.0, "seed": 1}
#: where nothing is measured over time
SHORT = SCENE | {"duration_s": 0.005}


def envelope(samples, width):
    """Mean power of each `width` samples."""
    power = np.abs(samples[: len(samples) // width * width]) ** 2
    return power.reshape(-1, width).mean(axis=1)


def halves(powers):
    """The powers while off and while on, without the blocks in between in which it changes."""
    floor = np.percentile(powers, 2)
    return powers[powers < 1.5 * floor], powers[powers > 20 * floor]


def loudest_hz(samples):
    """The frequency of each 0.1 ms that is well above the noise."""
    _, _, spectrum = scipy.signal.stft(
        samples, RATE_HZ, nperseg=256, noverlap=0, return_onesided=False, boundary=None
    )
    power = np.abs(np.fft.fftshift(spectrum, axes=0)) ** 2
    power = power[:, : power.shape[1] // 8 * 8].reshape(256, -1, 8).mean(axis=2)
    frequency_hz = np.fft.fftshift(np.fft.fftfreq(256, 1 / RATE_HZ))
    return frequency_hz[power.argmax(axis=0)[power.max(axis=0) > 30 * np.median(power)]]


def occupied_hz(samples):
    """From the lowest to the highest frequency whose density is 10 dB above the noise."""
    frequency_hz, density = scipy.signal.welch(samples, RATE_HZ, nperseg=512, return_onesided=False)
    used = frequency_hz[density > 10 * np.percentile(density, 5)]
    return used.max() - used.min()
