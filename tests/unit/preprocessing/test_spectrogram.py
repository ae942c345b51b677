"""The pictures that recordings become: their names, their pixels, and what could not be used."""

import os

import cv2
import matplotlib
import numpy as np
import pytest
from scipy.signal import stft

from preprocessing.folders import stft_settings_of
from preprocessing.pipeline.worker import Doubtful, Item
from preprocessing.spectrogram import draw, samples_digest
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import Asked
from rfuav_ray.signals.finding import recordings_in
from tests.support.sigmf_files import write

RATE_HZ = 100e6
SAMPLES = 60_000


@pytest.fixture
def drawn(tmp_path):
    """Draw all of a.iq with these request fields; returns the pictures and the count of bad samples."""

    def draw_it(samples, count=1, **changes):
        samples.astype("<c8").tofile(tmp_path / "a.iq")
        fields = {"sample_rate_hz": RATE_HZ, "duration_s": SAMPLES / RATE_HZ, "image_size": None, "style": "peak"}
        fields |= changes
        settings = stft_settings_of(SpectrogramRequest(input_path="a", output_path="b", **fields))
        item = Item("a.iq", "drone/a", first=0, count=count)
        doubtful = draw(item, tmp_path / "out", source=tmp_path, settings=settings, asked=Asked())
        files = sorted((tmp_path / "out" / "drone").iterdir())
        assert [file.name for file in files] == [f"a_{number:05}.png" for number in range(count)]
        return [cv2.imread(str(file), cv2.IMREAD_COLOR_RGB) for file in files], doubtful

    return draw_it


def tone(frequency_hz, count=SAMPLES):
    noise = np.random.default_rng(1).normal(scale=0.01, size=(count, 2)) @ [1, 1j]
    return 0.5 * np.exp(2j * np.pi * frequency_hz / RATE_HZ * np.arange(count)) + noise


@pytest.mark.parametrize("frequency_hz", [10e6, -30e6])
def test_spectrogram_a_tone_is_a_line_at_its_row(drawn, frequency_hz):
    (picture,), _ = drawn(tone(frequency_hz), image_size=640, colormap="gray")
    brightness = picture[..., 0].mean(axis=1)
    # The highest frequency, half the sample rate, is at the top.
    row = (0.5 - frequency_hz / RATE_HZ) * 640
    assert abs(int(brightness.argmax()) - row) <= 1
    assert brightness.max() - np.median(brightness) > 100


def test_spectrogram_time_runs_to_the_right(drawn):
    samples = np.concatenate([tone(10e6)[: SAMPLES // 4], tone(-30e6)[: 3 * SAMPLES // 4]])
    (picture,), _ = drawn(samples, image_size=640, colormap="gray")
    brightness = picture[..., 0].astype(int)
    upper, lower = int(0.4 * 640), int(0.8 * 640)
    assert brightness[upper, 80] > brightness[lower, 80]
    assert brightness[upper, 400] < brightness[lower, 400]


@pytest.mark.parametrize("window_overlap", [0.5, 0.75])
def test_spectrogram_the_picture_is_scipys_stft(drawn, window_overlap):
    samples = tone(10e6).astype(np.complex64)
    low, high = -60.0, 0.0
    (picture,), _ = drawn(samples, colormap="gray", db_range=(low, high), window_overlap=window_overlap)
    _, _, expected = stft(
        samples,
        fs=RATE_HZ,
        window="hamming",
        nperseg=1024,
        noverlap=int(1024 * window_overlap),
        return_onesided=False,
        boundary=None,
        padded=False,
    )
    decibels = 10 * np.log10(np.abs(np.fft.fftshift(expected, axes=0)))[::-1]
    levels = np.clip((decibels - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    colours = matplotlib.colormaps["gray"](np.arange(256), bytes=True)[levels, :3]
    assert picture.shape == colours.shape
    # Single precision here and double there: a level may fall on the other side of a whole number.
    assert np.abs(picture.astype(int) - colours).max() <= 2
    assert (picture == colours).mean() > 0.99


def test_spectrogram_pictures_may_overlap_and_bad_samples_are_counted(drawn):
    samples = tone(10e6)
    samples[[100, 40_000]] = np.nan, np.inf
    pictures, doubtful = drawn(samples, count=3, duration_s=SAMPLES / 2 / RATE_HZ, overlap=0.5)
    assert len(pictures) == 3
    assert doubtful == Doubtful(bad_samples=1 + 2)  # the second of them is in two pictures


@pytest.mark.parametrize("style", ["rfuav", "peak"])
def test_spectrogram_pictures_of_one_color_are_counted(drawn, style):
    samples = tone(10e6)
    samples[SAMPLES // 3 :] = 0
    pictures, doubtful = drawn(samples, count=3, duration_s=SAMPLES / 3 / RATE_HZ, style=style, image_size=64)
    assert len(pictures) == 3
    assert doubtful == Doubtful(one_color=2)


def test_spectrogram_a_recording_that_is_gone_is_named(tmp_path):
    settings = stft_settings_of(SpectrogramRequest(input_path="a", output_path="b"))
    with pytest.raises(RunError, match=r"gone\.iq"):
        draw(Item("gone.iq", "gone"), tmp_path / "out", source=tmp_path, settings=settings, asked=Asked())
    assert not (tmp_path / "out").exists()


def digests(folder, name="a.sigmf-meta", **fields):
    """Of two neighbouring items."""
    settings = stft_settings_of(SpectrogramRequest(input_path="a", output_path="b", duration_s=0.001, **fields))
    items = [Item(name, "a", first=first, count=5) for first in (0, 5)]
    return [samples_digest(item, source=folder, settings=settings, asked=Asked()) for item in items]


def replace(path, content):
    """Replace bytes of a file. Its size and its times stay the same."""
    before = path.stat()
    path.write_bytes(content)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_spectrogram_a_change_of_samples_changes_the_digest_of_their_item(tmp_path):
    samples = tone(1e6, 20_000).astype(np.complex64)
    write(tmp_path, samples, "cf32_le", sample_rate=2e6)
    before = digests(tmp_path)
    assert before[0] != before[1] and digests(tmp_path) == before
    samples[15_000] *= 1.0001
    replace(tmp_path / "a.sigmf-data", samples.tobytes())
    after = digests(tmp_path)
    assert after[0] == before[0] and after[1] != before[1]


@pytest.mark.parametrize("change", [("2000000.0", "2000001.0"), ("cf32_le", "cf32_be")])
def test_spectrogram_a_change_of_the_sigmf_metadata_changes_the_digests(tmp_path, change):
    metadata = write(tmp_path, tone(1e6, 20_100).astype(np.complex64), "cf32_le", sample_rate=2e6)
    before = digests(tmp_path)
    replace(metadata, metadata.read_text().replace(*change).encode())
    assert not set(digests(tmp_path)) & set(before)


@pytest.mark.parametrize("xml", ["<a><SampleRate>3e6</SampleRate></a>", "<a><DataType>int16</DataType></a>"])
def test_spectrogram_a_change_of_the_xml_changes_the_digests(tmp_path, xml):
    tone(1e6, 90_000).astype(np.complex64).tofile(tmp_path / "a.iq")
    (tmp_path / "a.xml").write_text("<a><SampleRate>2e6</SampleRate></a>")
    before = digests(tmp_path, "a.iq", sample_rate_hz=2e6)
    (tmp_path / "a.xml").write_text(xml)
    assert not set(digests(tmp_path, "a.iq", sample_rate_hz=2e6)) & set(before)


def test_spectrogram_recordings_are_found_at_any_depth_and_a_loop_of_links_ends(tmp_path):
    for name in ("b.iq", "deep/er/a.WAV", ".hidden/c.iq", "notes.txt", "pair.sigmf-meta", "pair.sigmf-data"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "deep" / "loop").symlink_to(tmp_path, target_is_directory=True)
    names = [str(path.relative_to(tmp_path)) for path in recordings_in(tmp_path)]
    assert names == ["b.iq", "deep/er/a.WAV", "pair.sigmf-meta"]
