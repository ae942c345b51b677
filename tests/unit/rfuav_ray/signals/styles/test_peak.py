import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.rendering import render
from rfuav_ray.signals.spectrogram import iter_spectrograms
from rfuav_ray.signals.stft import power_db
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import SMALL, is_red, noise, record, tone


@pytest.mark.parametrize(("frequency_hz", "row"), [(10e6, 256), (-40e6, 576), (0, 320), (49e6, 6)])
def test_peak_positive_frequencies_are_at_the_top(frequency_hz, row):
    samples = tone(frequency_hz, 100e6, 200_000) + 0.01 * noise(200_000)
    red = is_red(render(samples, StftSettings(style="peak")))
    assert red.shape == (640, 640)
    rows = np.flatnonzero(red.mean(axis=1) > 0.9)
    assert np.abs(rows - row).max() <= 2


def test_peak_time_goes_to_the_right():
    samples = 0.01 * noise(100_000)
    samples[25_000:50_000] += tone(1e5, 1e6, 25_000)
    columns = np.flatnonzero(is_red(render(samples, SMALL)).any(axis=0))
    assert abs(columns[0] - 16) <= 1
    assert abs(columns[-1] - 31) <= 1


def test_peak_a_burst_much_shorter_than_a_pixel_stays_visible():
    samples = 0.01 * noise(1_000_000)  # a pixel is 15 600 samples wide
    samples[500_000:500_128] += tone(2e5, 1e6, 128)
    red = is_red(render(samples, SMALL))
    assert red[:, 31:33].any()
    assert not red[:, :31].any()
    assert not red[:, 33:].any()


def test_peak_noise_alone_is_no_picture_of_all_colors():
    assert not is_red(render(noise(100_000), SMALL)).any()


def test_peak_silence_gives_a_picture_of_one_color():
    image = render(np.zeros(10_000, np.complex64), SMALL)
    assert (image == image[0, 0]).all()


def test_peak_gaps_without_any_signal_do_not_use_up_the_colors():
    samples = 0.01 * noise(100_000)
    samples[60_000:] = 0
    samples[10_000:20_000] += tone(1e5, 1e6, 10_000)
    red = is_red(render(samples, SMALL))
    assert red[:, 7:12].any()
    assert not red[:, 14:].any()


def test_peak_absurd_samples_still_give_a_picture():
    samples = noise(10_000)
    samples[::3] *= np.float32(1e37)
    assert render(samples, SMALL).shape == (64, 64, 3)
    assert np.isfinite(power_db(samples, SMALL)).all()


def test_peak_a_fixed_range_gives_the_same_color_for_the_same_power():
    fixed = SMALL.model_copy(update={"db_range": (-60.0, 0.0)})
    weak, strong = (render(level * tone(1e5, 1e6, 10_000), fixed) for level in (1e-4, 1.0))
    assert is_red(strong).any()
    assert not is_red(weak).any()


def test_peak_the_natural_size_has_a_pixel_for_each_value():
    image = render(noise(1000), SMALL.model_copy(update={"image_size": None}))
    assert image.shape == (128, 1 + (1000 - 128) // 64, 3)


@pytest.mark.parametrize("count", [128, 200, 999])
def test_peak_few_samples_are_enlarged(count):
    assert render(noise(count), SMALL).shape == (64, 64, 3)


@pytest.mark.parametrize("work", [power_db, render])
def test_peak_fewer_samples_than_a_window_are_refused(work):
    with pytest.raises(RunError, match=r"127 samples are too few .* 128"):
        work(noise(127), SMALL)


def test_peak_blocks_leave_no_seams(tmp_path):
    """More columns than one block holds; a steady tone must look the same in each of them."""
    settings = SMALL.model_copy(update={"duration_s": 1.0, "db_range": (-60.0, 0.0)})
    image = next(iter_spectrograms(record(tmp_path / "a.iq", tone(1e5, 1e6, 1_000_000)), settings)).image
    assert np.abs(image.astype(int) - image[:, :1].astype(int)).max() <= 8
