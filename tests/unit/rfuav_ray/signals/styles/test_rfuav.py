"""The images of matplotlib, which RFUAV's tool draws with, and ours."""

import numpy as np
import pytest

from benchmarks import rfuav_tool
from rfuav_ray.images.transforms import resize
from rfuav_ray.signals import stft_blocks
from rfuav_ray.signals.rendering import render
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import noise, tone

#: of a model's input, pixels
MODEL_SIDE = 224


def drawn(samples, *, points=1024, image_size=None):
    settings = StftSettings(sample_rate_hz=len(samples), duration_s=1, stft_points=points, image_size=image_size)
    return render(samples, settings)


def scene(snr_db, count=400_000):
    return simulate("ofdm_10mhz_video", duration_s=count / 20e6, sample_rate_hz=20e6, snr_db=snr_db, seed=1)


@pytest.mark.parametrize(
    ("samples", "points"),
    [
        pytest.param(scene(10), 1024, id="fewer columns than pixels"),
        pytest.param(scene(-5, count=1_200_000), 1024, id="more columns than pixels", marks=pytest.mark.long),
        pytest.param(scene(20, count=100_000), 64, id="fewer frequencies than pixels", marks=pytest.mark.long),
        pytest.param(scene(5, count=100_000), 4096, id="more frequencies than pixels", marks=pytest.mark.long),
        pytest.param(scene(5, count=30_000), 128, id="each value is several pixels"),
        pytest.param(0.001 * tone(3e5, 1e6, 50_000), 256, id="no noise"),
    ],
)
def test_rfuav_the_canvas_is_matplotlibs(samples, points):
    ours, theirs = drawn(samples, points=points), rfuav_tool.spectrogram(samples, points)
    assert ours.shape == theirs.shape == (1440, 1920, 3)
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.mean() < 1
    assert np.percentile(difference, 99) <= 8


@pytest.mark.parametrize("snr_db", [20, pytest.param(-5, marks=pytest.mark.long)])
def test_rfuav_a_model_sees_what_it_sees_in_matplotlibs_image(snr_db):
    samples = scene(snr_db)
    theirs = resize(rfuav_tool.spectrogram(samples), MODEL_SIDE).astype(float)
    for image_size in (224, 640, None):
        ours = resize(drawn(samples, image_size=image_size), MODEL_SIDE).astype(float)
        assert np.abs(ours - theirs).mean() < 1
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999


def test_rfuav_silence_within_a_signal_is_white_as_in_matplotlib():
    samples = noise(100_000)
    samples[40_000:70_000] = 0
    ours, theirs = drawn(samples), rfuav_tool.spectrogram(samples)
    assert (ours[:, 900:1200] == 255).all()
    assert np.abs(ours.astype(int) - theirs).mean() < 1


def test_rfuav_nothing_but_silence_is_white():
    samples = np.zeros(50_000, np.complex64)
    np.testing.assert_array_equal(drawn(samples), rfuav_tool.spectrogram(samples))


def test_rfuav_absurd_samples_are_white():
    samples = noise(50_000)
    samples[20_000:30_000] = np.float32(1e38)
    image = drawn(samples)
    assert (image[:, 900:1000] == 255).all()
    assert not (image[:, :600] == 255).all(axis=-1).any()


def test_rfuav_a_fixed_range_gives_the_same_color_for_the_same_power():
    own = StftSettings(sample_rate_hz=1e6, duration_s=0.05, colormap="gray")
    fixed = own.model_copy(update={"db_range": (-60.0, 0.0)})
    weak, strong = (level * tone(102e6 / 1024, 1e6, 50_000) for level in (1e-4, 1.0))
    assert render(weak, own).max() > 235
    assert render(strong, fixed).max() > 235
    # 10*log10 of the amplitude is -40: a third of the range.
    assert render(weak, fixed).max() < 90


def test_rfuav_values_that_are_not_kept_are_computed_again(monkeypatch):
    samples = scene(5, count=600_000)
    expected = drawn(samples, image_size=64)
    monkeypatch.setattr(stft_blocks, "_KEPT_VALUES", 1000)
    np.testing.assert_array_equal(drawn(samples, image_size=64), expected)
