import cv2
import numpy as np
import pytest
import scipy.signal
from pydantic import ValidationError
from scipy.io import wavfile

from rfuav_ray.errors import RunError
from rfuav_ray.iq import open_recording
from rfuav_ray.spectrogram import StftSettings, picture, pictures, power_db, save_picture

SMALL = StftSettings(sample_rate_hz=1e6, stft_points=128, duration_s=0.01, image_size=64)


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 2), np.float32).view(np.complex64)[:, 0]


def tone(frequency_hz, sample_rate_hz, count):
    return np.exp(2j * np.pi * frequency_hz / sample_rate_hz * np.arange(count)).astype(np.complex64)


def is_red(image):
    return (image[..., 0].astype(int) - image[..., 2]) > 100


def record(path, samples):
    np.stack([samples.real, samples.imag], axis=1).astype("<f4").tofile(path)
    return open_recording(path, sample_rate_hz=1e6)


@pytest.mark.parametrize("window", ["hamming", "hann", "blackman", "boxcar"])
@pytest.mark.parametrize(
    ("stft_points", "overlap", "count"), [(1024, 0.5, 100_000), (100, 0.75, 4321), (64, 0.0, 64)]
)
def test_power_is_that_of_scipy(window, stft_points, overlap, count):
    settings = StftSettings(stft_points=stft_points, window=window, window_overlap=overlap)
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


def test_a_tone_of_full_scale_is_0_db_in_the_row_of_its_frequency():
    settings = StftSettings()  # RFUAV's: 100 MS/s, 1024 points
    frequency_hz = 100 * 100e6 / 1024  # nearly 10 MHz, and in the middle of a row
    db = power_db(tone(frequency_hz, 100e6, 10_000), settings)
    assert db.shape == (1024, 18)
    assert (db.argmax(axis=0) == 512 + 100).all()
    np.testing.assert_allclose(db.max(axis=0), 0, atol=1e-3)


@pytest.mark.parametrize(("frequency_hz", "row"), [(10e6, 256), (-40e6, 576), (0, 320), (49e6, 6)])
def test_positive_frequencies_are_at_the_top(frequency_hz, row):
    samples = tone(frequency_hz, 100e6, 200_000) + 0.01 * noise(200_000)
    red = is_red(picture(samples, StftSettings()))
    assert red.shape == (640, 640)
    rows = np.flatnonzero(red.mean(axis=1) > 0.9)
    assert np.abs(rows - row).max() <= 2


def test_time_goes_to_the_right():
    samples = 0.01 * noise(100_000)
    samples[25_000:50_000] += tone(1e5, 1e6, 25_000)
    columns = np.flatnonzero(is_red(picture(samples, SMALL)).any(axis=0))
    assert abs(columns[0] - 16) <= 1
    assert abs(columns[-1] - 31) <= 1


def test_a_burst_much_shorter_than_a_pixel_stays_visible():
    samples = 0.01 * noise(1_000_000)  # a pixel is 15 600 samples wide
    samples[500_000:500_128] += tone(2e5, 1e6, 128)
    red = is_red(picture(samples, SMALL))
    assert red[:, 31:33].any()
    assert not red[:, :31].any()
    assert not red[:, 33:].any()


def test_noise_alone_is_no_picture_of_all_colors():
    assert not is_red(picture(noise(100_000), SMALL)).any()


def test_silence_gives_a_picture_of_one_color():
    image = picture(np.zeros(10_000, np.complex64), SMALL)
    assert (image == image[0, 0]).all()


def test_gaps_without_any_signal_do_not_use_up_the_colors():
    samples = 0.01 * noise(100_000)
    samples[60_000:] = 0
    samples[10_000:20_000] += tone(1e5, 1e6, 10_000)
    red = is_red(picture(samples, SMALL))
    assert red[:, 7:12].any()
    assert not red[:, 14:].any()


def test_absurd_samples_still_give_a_picture():
    samples = noise(10_000)
    samples[::3] *= np.float32(1e37)
    assert picture(samples, SMALL).shape == (64, 64, 3)
    assert np.isfinite(power_db(samples, SMALL)).all()


def test_a_fixed_range_gives_the_same_color_for_the_same_power():
    fixed = SMALL.model_copy(update={"db_range": (-60.0, 0.0)})
    weak, strong = (picture(level * tone(1e5, 1e6, 10_000), fixed) for level in (1e-4, 1.0))
    assert is_red(strong).any()
    assert not is_red(weak).any()


def test_the_natural_size_has_a_pixel_for_each_value():
    image = picture(noise(1000), SMALL.model_copy(update={"image_size": None}))
    assert image.shape == (128, 1 + (1000 - 128) // 64, 3)


@pytest.mark.parametrize("count", [128, 200, 999])
def test_few_samples_are_enlarged(count):
    assert picture(noise(count), SMALL).shape == (64, 64, 3)


@pytest.mark.parametrize("work", [power_db, picture])
def test_fewer_samples_than_a_window_are_refused(work):
    with pytest.raises(RunError, match=r"127, too few .* 128"):
        work(noise(127), SMALL)


def test_a_recording_gives_the_pictures_of_its_parts(tmp_path):
    samples = noise(35_000)
    found = list(pictures(record(tmp_path / "a.iq", samples), SMALL))
    assert [(one.index, one.time_s) for one in found] == [(0, 0.0), (1, 0.01), (2, 0.02)]
    for one in found:
        part = samples[one.index * 10_000 : (one.index + 1) * 10_000]
        np.testing.assert_array_equal(one.image, picture(part, SMALL))
        assert one.image.dtype == np.uint8


def test_blocks_leave_no_seams(tmp_path):
    """More columns than one block holds; a steady tone must look the same in each of them."""
    settings = SMALL.model_copy(update={"duration_s": 1.0, "db_range": (-60.0, 0.0)})
    image = next(pictures(record(tmp_path / "a.iq", tone(1e5, 1e6, 1_000_000)), settings)).image
    assert np.abs(image.astype(int) - image[:, :1].astype(int)).max() <= 8


def test_a_picture_reads_its_samples_in_parts(tmp_path, monkeypatch):
    recording = record(tmp_path / "a.iq", noise(2_000_000))
    counts = []
    read = type(recording).read

    def counting(self, start, count):
        counts.append(count)
        return read(self, start, count)

    monkeypatch.setattr(type(recording), "read", counting)
    list(pictures(recording, SMALL.model_copy(update={"duration_s": 2.0})))
    assert max(counts) < 300_000


def test_the_rate_in_a_recording_wins(tmp_path):
    wavfile.write(tmp_path / "a.wav", 50_000, np.zeros((1000, 2), np.int16))
    assert [one.time_s for one in pictures(open_recording(tmp_path / "a.wav"), SMALL)] == [0.0, 0.01]


def test_a_recording_without_a_rate_has_the_settings_rate(tmp_path):
    record(tmp_path / "a.iq", noise(20_000))
    assert len(list(pictures(open_recording(tmp_path / "a.iq"), SMALL))) == 2


def test_a_short_recording_is_refused_before_anything_is_drawn(tmp_path):
    recording = record(tmp_path / "short.iq", noise(5_000))
    with pytest.raises(RunError, match=r"short\.iq: 5000 samples are 0.005 s .* needs 10000"):
        pictures(recording, SMALL)


def test_a_rate_too_low_for_one_window_is_refused(tmp_path):
    wavfile.write(tmp_path / "slow.wav", 8000, np.zeros((9999, 2), np.int16))
    with pytest.raises(RunError, match=r"slow\.wav.*80 samples.*128"):
        pictures(open_recording(tmp_path / "slow.wav"), SMALL)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sample_rate_hz", 0),
        ("sample_rate_hz", float("inf")),
        ("stft_points", 8),
        ("stft_points", 10**6),
        ("window", "kaiser"),
        ("window_overlap", 1.0),
        ("window_overlap", -0.1),
        ("duration_s", 0),
        ("duration_s", 1e-6),
        ("duration_s", float("nan")),
        ("image_size", 0),
        ("image_size", 100_000),
        ("colormap", "no such"),
        ("db_range", (0, 0)),
        ("db_range", (5, -5)),
        ("db_range", (float("nan"), 1)),
        ("db_range", (0, float("inf"))),
        ("fft_points", 1024),
    ],
)
def test_settings_out_of_bounds_are_refused_by_name(field, value):
    with pytest.raises(ValidationError, match=field):
        StftSettings(**{field: value})


def test_a_natural_size_beyond_any_image_format_is_refused():
    with pytest.raises(ValidationError, match="image_size"):
        StftSettings(image_size=None, duration_s=10)


def test_settings_survive_a_round_trip_and_cannot_be_changed():
    settings = StftSettings(db_range=(-80, -10), image_size=None)
    assert StftSettings.model_validate(settings.model_dump(mode="json")) == settings
    with pytest.raises(ValidationError):
        settings.stft_points = 1


def test_a_picture_is_saved_in_its_colors(tmp_path):
    image = np.zeros((10, 20, 3), np.uint8)
    image[:, :10, 0] = 255
    save_picture(tmp_path / "new" / "飞 1.png", image)
    stored = cv2.imdecode(np.fromfile(tmp_path / "new" / "飞 1.png", np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(stored, image)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["飞 1.png"]


@pytest.mark.parametrize("name", ["a.xyz", "a"])
def test_an_unknown_image_format_is_refused(tmp_path, name):
    with pytest.raises(RunError, match=r"\.png"):
        save_picture(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    assert not list(tmp_path.iterdir())
