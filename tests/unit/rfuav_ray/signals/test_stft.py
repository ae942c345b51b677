import numpy as np
import pytest
import scipy.signal

from rfuav_ray.signals.stft import power_db
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import noise, tone


@pytest.mark.parametrize("window", ["hamming", "hann", "blackman", "boxcar"])
@pytest.mark.parametrize(
    ("stft_points", "overlap", "count"), [(1024, 0.5, 100_000), (100, 0.75, 4321), (64, 0.0, 64)]
)
def test_stft_power_is_that_of_scipy(window, stft_points, overlap, count):
    settings = StftSettings(style="peak", stft_points=stft_points, window=window, window_overlap=overlap)
    samples = noise(count)
    _, _, spectrum = scipy.signal.stft(
        samples,
        nperseg=stft_points,
        noverlap=round(stft_points * overlap),
        window=window,
        return_onesided=False,
        boundary=None,
        padded=False,
    )
    expected = np.abs(np.fft.fftshift(spectrum, axes=0))
    found = power_db(samples, settings)
    assert found.dtype == np.float32
    np.testing.assert_allclose(10 ** (found / 10), expected, rtol=1e-3, atol=1e-6)


def test_stft_a_tone_of_full_scale_is_0_db_in_the_row_of_its_frequency():
    settings = StftSettings(style="peak")  # RFUAV's: 100 MS/s, 1024 points
    frequency_hz = 100 * 100e6 / 1024  # nearly 10 MHz, and in the middle of a row
    db = power_db(tone(frequency_hz, 100e6, 10_000), settings)
    assert db.shape == (1024, 18)
    assert (db.argmax(axis=0) == 512 + 100).all()
    np.testing.assert_allclose(db.max(axis=0), 0, atol=1e-3)


@pytest.mark.parametrize("count", [1024, 1025, 1535, 1536, 1537, 50_000])
@pytest.mark.parametrize("points", [16, 100, 1024])
def test_stft_of_the_style_rfuav_is_that_of_scipys_defaults(points, count):
    samples = noise(count)
    _, _, spectrum = scipy.signal.stft(
        samples, window=scipy.signal.windows.hamming(points), nperseg=points, return_onesided=False
    )
    found = power_db(samples, StftSettings(stft_points=points))
    assert found.shape == spectrum.shape
    np.testing.assert_allclose(10 ** (found / 10), np.abs(np.fft.fftshift(spectrum, axes=0)), rtol=1e-3, atol=1e-7)
