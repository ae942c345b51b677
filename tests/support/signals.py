"""Samples, images and settings that tests of spectrograms share."""

import numpy as np

from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.stft_settings import StftSettings

#: 10 000 samples give an image of 64 pixels
SMALL = StftSettings(style="peak", sample_rate_hz=1e6, stft_points=128, duration_s=0.01, image_size=64)


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 2), np.float32).view(np.complex64)[:, 0]


def random_floats(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def tone(frequency_hz, sample_rate_hz, count):
    return np.exp(2j * np.pi * frequency_hz / sample_rate_hz * np.arange(count)).astype(np.complex64)


def is_red(image):
    return (image[..., 0].astype(int) - image[..., 2]) > 100


def record(path, samples):
    np.stack([samples.real, samples.imag], axis=1).astype("<f4").tofile(path)
    return open_recording(path, sample_rate_hz=1e6)
