import cv2
import numpy as np
import pytest
import scipy.signal
from scipy.io import wavfile

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.rendering import render
from rfuav_ray.signals.spectrogram import iter_spectrograms, save_spectrogram, spectrogram_count
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import SMALL, noise, record

HALF_AGAIN = SMALL.model_copy(update={"overlap": 0.5})


def test_spectrogram_a_recording_gives_the_pictures_of_its_parts(tmp_path):
    samples = noise(35_000)
    found = list(iter_spectrograms(record(tmp_path / "a.iq", samples), SMALL))
    assert [(one.index, one.time_s) for one in found] == [(0, 0.0), (1, 0.01), (2, 0.02)]
    for one in found:
        part = samples[one.index * 10_000 : (one.index + 1) * 10_000]
        np.testing.assert_array_equal(one.image, render(part, SMALL))
        assert one.image.dtype == np.uint8


@pytest.mark.parametrize(
    ("overlap", "between"), [(0, 10_000), (0.25, 7_500), (0.5, 5_000), (1 / 3, 6_667), (0.9, 1_000)]
)
def test_spectrogram_pictures_overlap_and_each_agrees_with_scipy(tmp_path, overlap, between):
    """In the natural size a pixel is one STFT value: its level must be scipy's, from the right sample on."""
    settings = SMALL.model_copy(
        update={"overlap": overlap, "image_size": None, "colormap": "gray", "db_range": (-40.0, 0.0)}
    )
    assert settings.samples_between_spectrograms == between
    samples = noise(35_000)
    recording = record(tmp_path / "a.iq", samples)
    found = list(iter_spectrograms(recording, settings))
    assert len(found) == spectrogram_count(recording, settings) == 1 + 25_000 // between
    for one in found:
        assert one.time_s == one.index * between / 1e6
        _, _, spectrum = scipy.signal.stft(
            samples[one.index * between :][:10_000],
            **{"nperseg": 128, "noverlap": 64, "window": "hamming", "return_onesided": False},
            **{"boundary": None, "padded": False},
        )
        db = 10 * np.log10(np.abs(np.fft.fftshift(spectrum, axes=0)))
        levels = np.clip((db + 40) / 40 * 255, 0, 255)[::-1]
        assert np.abs(one.image[..., 0] - levels).max() <= 2  # of 0.16 dB each


def test_spectrogram_pictures_so_close_that_they_share_a_start_still_go_on():
    settings = StftSettings(sample_rate_hz=16, stft_points=16, duration_s=1, overlap=0.9)
    assert settings.samples_between_spectrograms == 2
    assert settings.model_copy(update={"overlap": 0.99}).samples_between_spectrograms == 1


@pytest.mark.parametrize(("first", "count"), [(0, None), (2, None), (0, 3), (3, 2), (5, 1), (6, 0), (0, 0)])
def test_spectrogram_a_part_of_the_pictures_is_drawn_as_with_the_others(tmp_path, first, count):
    recording = record(tmp_path / "a.iq", noise(35_000))
    every = list(iter_spectrograms(recording, HALF_AGAIN))
    assert len(every) == 6
    part = list(iter_spectrograms(recording, HALF_AGAIN, first=first, count=count))
    expected = every[first:] if count is None else every[first : first + count]
    assert [(one.index, one.time_s) for one in part] == [(one.index, one.time_s) for one in expected]
    for one, other in zip(part, expected, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


@pytest.mark.parametrize(("first", "count"), [(-1, None), (7, None), (0, 7), (5, 2), (2, -1)])
def test_spectrogram_a_part_outside_the_recording_is_refused(tmp_path, first, count):
    recording = record(tmp_path / "a.iq", noise(35_000))
    with pytest.raises(RunError, match=r"a\.iq: the range .* is outside its 6 spectrograms"):
        iter_spectrograms(recording, HALF_AGAIN, first=first, count=count)


def test_spectrogram_bad_samples_are_counted_once_each(tmp_path):
    """A picture is read in blocks that share samples: of 131 136 in the first, the last 64 again in the second."""
    settings = SMALL.model_copy(update={"duration_s": 0.5, "overlap": 0.5})
    samples = noise(1_000_000)
    bad = np.array([0, 7, 131_071, 131_072, 131_100, 131_135, 131_136, 131_200, 499_900, 500_000, 749_000])
    samples[bad] = np.nan
    samples[131_100] = np.inf * 1j
    found = list(iter_spectrograms(record(tmp_path / "a.iq", samples), settings))
    assert [one.bad_samples for one in found] == [9, 3, 2]
    assert [one.bad_samples for one in iter_spectrograms(record(tmp_path / "b.iq", noise(500_000)), settings)] == [
        0
    ]


def test_spectrogram_pictures_with_bad_samples_are_those_with_nothing_received_there(tmp_path):
    bad, silent = noise(10_000), noise(10_000)
    bad[100:200], silent[100:200] = np.nan, 0
    (one,) = iter_spectrograms(record(tmp_path / "a.iq", bad), SMALL)
    np.testing.assert_array_equal(one.image, render(silent, SMALL))
    assert one.bad_samples == 100


def test_spectrogram_a_picture_reads_its_samples_in_parts(tmp_path, monkeypatch):
    recording = record(tmp_path / "a.iq", noise(2_000_000))
    counts = []
    read = type(recording).read_checked

    def counting(self, start, count):
        counts.append(count)
        return read(self, start, count)

    monkeypatch.setattr(type(recording), "read_checked", counting)
    list(iter_spectrograms(recording, SMALL.model_copy(update={"duration_s": 2.0})))
    assert max(counts) < 300_000


def test_spectrogram_the_rate_in_a_recording_wins(tmp_path):
    wavfile.write(tmp_path / "a.wav", 50_000, np.zeros((1000, 2), np.int16))
    assert [one.time_s for one in iter_spectrograms(open_recording(tmp_path / "a.wav"), SMALL)] == [0.0, 0.01]


def test_spectrogram_a_recording_without_a_rate_has_the_settings_rate(tmp_path):
    record(tmp_path / "a.iq", noise(20_000))
    assert len(list(iter_spectrograms(open_recording(tmp_path / "a.iq"), SMALL))) == 2


def test_spectrogram_a_short_recording_is_refused_before_anything_is_drawn(tmp_path):
    recording = record(tmp_path / "short.iq", noise(5_000))
    for work in (iter_spectrograms, spectrogram_count):
        with pytest.raises(RunError, match=r"short\.iq: 5000 samples are 0.005 s .* needs 10000"):
            work(recording, SMALL)


def test_spectrogram_a_rate_too_low_for_one_window_is_refused(tmp_path):
    wavfile.write(tmp_path / "slow.wav", 8000, np.zeros((9999, 2), np.int16))
    with pytest.raises(RunError, match=r"slow\.wav.*80 samples.*128"):
        iter_spectrograms(open_recording(tmp_path / "slow.wav"), SMALL)


def test_spectrogram_a_rate_too_high_for_pixels_of_the_natural_size_is_refused(tmp_path):
    wavfile.write(tmp_path / "fast.wav", 10_000_000, np.zeros((9_000_000, 2), np.uint8))
    settings = StftSettings(style="peak", sample_rate_hz=1e6, stft_points=128, duration_s=0.9, image_size=None)
    with pytest.raises(RunError, match=r"fast\.wav.* 140624 STFT columns"):
        spectrogram_count(open_recording(tmp_path / "fast.wav"), settings)


def test_spectrogram_a_picture_is_saved_in_its_colors(tmp_path):
    image = np.zeros((10, 20, 3), np.uint8)
    image[:, :10, 0] = 255
    save_spectrogram(tmp_path / "new" / "飞 1.png", image)
    stored = cv2.imdecode(np.fromfile(tmp_path / "new" / "飞 1.png", np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(stored, image)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["飞 1.png"]


@pytest.mark.parametrize("name", ["a.xyz", "a"])
def test_spectrogram_an_unknown_image_format_is_refused(tmp_path, name):
    with pytest.raises(RunError, match=r"\.png"):
        save_spectrogram(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    assert not list(tmp_path.iterdir())
