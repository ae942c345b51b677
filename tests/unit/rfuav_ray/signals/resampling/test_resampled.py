import pickle
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import firwin, kaiser_beta, resample_poly

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import Capture
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.resampling.low_pass import filter_taps
from rfuav_ray.signals.resampling.resampled import ResampledSamples, original_sample, resampled
from rfuav_ray.signals.spectrogram import iter_spectrograms, spectrogram_count
from rfuav_ray.signals.stft import power_db
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.iq_samples import interleaved
from tests.support.signals import noise, tone

#: in MS/s
PAIRS = [(100, 20), (61.44, 20), (50, 20), (20, 2.4), (100, 61.44), (25, 20), (40, 2.048)]
USUAL = [100, 61.44, 56, 50, 40, 30.72, 25, 20, 10, 2.4, 2.048]
#: -60 dB as an amplitude
MINUS_60_DB = 1e-3


def written(path, samples, rate_hz, **arguments):
    values = interleaved(samples) if np.iscomplexobj(samples) else samples
    values.astype("<f4").tofile(path)
    return open_recording(path, sample_rate_hz=rate_hz, **arguments)


def whole(recording):
    return recording.read(0, recording.sample_count)


def by_scipy(samples, ratio):
    """resample_poly with the same filter, sampled at the common multiple of both rates."""
    up, down = ratio.as_integer_ratio()
    count = (len(filter_taps(up / down)) - 1) * up + 1
    taps = firwin(count, 0.95 / down, window=("kaiser", kaiser_beta(80)))
    return resample_poly(samples, up, down, window=taps)


def inside(samples):
    """Without the ends, where a tone begins and stops."""
    return samples[100:-100]


@pytest.mark.parametrize(("own", "new"), PAIRS)
@pytest.mark.parametrize("part", [-0.9, -0.37, 0.0, 0.11, 0.5, 0.9])
def test_resampling_tones_of_the_pass_band_stay_as_they_are(tmp_path, own, new, part):
    own_hz, new_hz, count = own * 1e6, new * 1e6, 1500
    frequency_hz = part * new_hz / 2
    recording = written(tmp_path / "a.iq", tone(frequency_hz, own_hz, int(count * own / new)), own_hz)
    found = whole(resampled(recording, new_hz))
    expected = tone(frequency_hz, new_hz, len(found))
    np.testing.assert_allclose(inside(found), inside(expected), atol=MINUS_60_DB)
    db = [power_db(inside(one), StftSettings(style="peak")).mean(axis=1) for one in (found, expected)]
    assert db[0].argmax() == db[1].argmax()
    assert db[0].max() == pytest.approx(db[1].max(), abs=0.01)


@pytest.mark.parametrize(("own", "new"), PAIRS)
@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_resampling_tones_beyond_the_new_nyquist_frequency_are_gone(tmp_path, own, new, part, sign):
    own_hz, new_hz = own * 1e6, new * 1e6
    frequency_hz = sign * (new_hz + part * (own_hz - new_hz)) / 2
    recording = written(tmp_path / "a.iq", tone(frequency_hz, own_hz, int(1000 * own / new)), own_hz)
    assert np.abs(inside(whole(resampled(recording, new_hz)))).max() < MINUS_60_DB


@pytest.mark.parametrize(("own", "new"), PAIRS)
@pytest.mark.parametrize("at", [3000, 12_345.678])
def test_resampling_a_burst_stays_at_its_time(tmp_path, own, new, at):
    width = 6 * own / new
    burst = np.exp(-(((np.arange(20_000) - at) / width) ** 2)).astype(np.complex64)
    lower = resampled(written(tmp_path / "a.iq", burst, own * 1e6), new * 1e6)
    expected = np.exp(-(((np.arange(lower.sample_count) * (own / new) - at) / width) ** 2))
    np.testing.assert_allclose(whole(lower), expected, atol=MINUS_60_DB)


@pytest.mark.parametrize(("own", "new"), PAIRS)
def test_resampling_an_impulse_is_nearest_to_its_sample(tmp_path, own, new):
    samples = np.zeros(10_000, np.complex64)
    samples[4321] = 1
    lower = resampled(written(tmp_path / "a.iq", samples, own * 1e6), new * 1e6)
    assert np.abs(whole(lower)).argmax() == round(4321 * new / own)


@pytest.mark.parametrize(("own", "new"), PAIRS)
def test_resampling_is_that_of_scipy_with_the_same_filter(tmp_path, own, new):
    samples = noise(30_000)
    lower = resampled(written(tmp_path / "a.iq", samples, own * 1e6), new * 1e6)
    expected = by_scipy(samples, Fraction(str(new)) / Fraction(str(own)))
    np.testing.assert_allclose(whole(lower), expected[: lower.sample_count], atol=2e-4)


@settings(deadline=None, max_examples=15)
@given(
    down=st.integers(2, 60),
    up=st.integers(1, 59),
    count=st.integers(1, 5000),
    cuts=st.lists(st.floats(0, 1), max_size=4),
)
def test_resampling_does_not_depend_on_how_it_is_read(tmp_path_factory, down, up, count, cuts):
    up = 1 + up % (down - 1)
    samples = noise(count)
    recording = written(tmp_path_factory.mktemp("r") / "a.iq", samples, down * 1e6)
    lower = resampled(recording, up * 1e6)
    at_once = whole(lower)
    ends = sorted({0, lower.sample_count, *(int(cut * lower.sample_count) for cut in cuts)})
    parts = [lower.read(first, end - first) for first, end in pairwise(ends)]
    np.testing.assert_allclose(np.concatenate(parts), at_once, atol=1e-6)
    assert original_sample(lower, lower.sample_count - 1) <= count - 1
    assert original_sample(lower, lower.sample_count) <= count
    np.testing.assert_allclose(at_once, by_scipy(samples, Fraction(up, down))[: len(at_once)], atol=2e-4)


def test_resampling_long_reads_are_those_of_short_ones(tmp_path):
    lower = resampled(written(tmp_path / "a.iq", noise(600_000), 61.44e6), 20e6)
    ends = [*range(0, lower.sample_count, 10_007), lower.sample_count]
    parts = [lower.read(first, end - first) for first, end in pairwise(ends)]
    np.testing.assert_allclose(np.concatenate(parts), whole(lower), atol=1e-6)
    assert lower.read(lower.sample_count, 0).shape == (0,)


def test_resampling_real_signals_stay_real(tmp_path):
    samples = np.cos(2 * np.pi * 0.03 * np.arange(20_000))
    recording = written(tmp_path / "a.iq", samples, 50e6, is_real=True)
    lower = resampled(recording, 20e6)
    stored = lower.samples.stored(0, lower.sample_count)
    assert not lower.is_complex
    assert stored.dtype == np.float32
    assert stored.shape == (8000,)
    expected = np.cos(2 * np.pi * 0.075 * np.arange(8000))
    np.testing.assert_allclose(inside(whole(lower)), inside(expected), atol=MINUS_60_DB)


def test_resampling_integers_are_scaled_as_ever(tmp_path):
    values = np.random.default_rng(0).integers(-(2**15), 2**15, (20_000, 2)).astype("<i2")
    values.tofile(tmp_path / "a.bin")
    lower = resampled(open_recording(tmp_path / "a.bin", sample_rate_hz=50e6, data_type="int16"), 20e6)
    floats = (values / 2**15).astype(np.float32).view(np.complex64)[:, 0]
    same = resampled(written(tmp_path / "a.iq", floats, 50e6), 20e6)
    np.testing.assert_array_equal(whole(lower), whole(same))


@pytest.mark.parametrize("bad", [np.nan, np.inf, complex(0, -np.inf)])
def test_resampling_samples_that_are_no_numbers_are_counted_and_count_as_zero(tmp_path, bad):
    samples = noise(10_000)
    places = np.array([0, 1004, 1005, 5001, 9999])
    samples[places] = 0
    clean = resampled(written(tmp_path / "clean.iq", samples, 50e6), 20e6)
    samples[places] = bad
    lower = resampled(written(tmp_path / "a.iq", samples, 50e6), 20e6)
    found, finite = lower.read_checked(0, lower.sample_count)
    np.testing.assert_array_equal(np.flatnonzero(~finite), [0, 402, 2000, 3999])
    np.testing.assert_array_equal(found[finite], whole(clean)[finite])
    assert not lower.read_checked(402, 1)[1].any()
    assert lower.read_checked(403, 1000)[1].all()


def test_resampling_captures_begin_at_the_same_time(tmp_path):
    captures = (Capture(0, 1e9), Capture(1000, 2e9), Capture(1001, None), Capture(9999, 3e9))
    recording = replace(written(tmp_path / "a.iq", noise(10_000), 50e6), captures=captures)
    lower = resampled(recording, 20e6)
    assert [one.first_sample for one in lower.captures] == [0, 400, 401, 4000]
    for sample in range(lower.sample_count):
        frequency_hz = recording.center_frequency_at(original_sample(lower, sample))
        assert lower.center_frequency_at(sample) == frequency_hz


def test_resampling_samples_are_found_in_the_original(tmp_path):
    recording = written(tmp_path / "a.iq", noise(1001), 50e6)
    lower = resampled(recording, 20e6)
    assert lower.sample_count == 401
    assert [original_sample(lower, sample) for sample in (0, 1, 2, 3, 400, 401)] == [0, 2, 5, 7, 1000, 1001]
    assert [original_sample(recording, sample) for sample in (0, 1, 1001)] == [0, 1, 1001]


@pytest.mark.parametrize(("own", "new"), [(own, new) for own in USUAL for new in USUAL if new < own])
def test_resampling_usual_rates_are_exact(tmp_path, own, new):
    recording = written(tmp_path / "a.iq", noise(1), own * 1e6)
    assert resampled(recording, new * 1e6).sample_rate_hz == new * 1e6


@settings(deadline=None, max_examples=50)
@given(own_hz=st.floats(1e3, 1e12), ratio=st.floats(0.001, 1, exclude_min=True, exclude_max=True))
def test_resampling_states_its_rate_which_is_near_the_one_asked_for(tmp_path_factory, own_hz, ratio):
    recording = written(tmp_path_factory.mktemp("r") / "a.iq", noise(1), own_hz)
    lower = resampled(recording, own_hz * ratio)
    assert lower.sample_rate_hz == pytest.approx(own_hz * ratio, rel=6e-5)
    if lower is not recording:
        assert isinstance(lower.samples, ResampledSamples)
        assert lower.sample_rate_hz == pytest.approx(own_hz * lower.samples.up / lower.samples.down, rel=1e-12)


def test_resampling_of_nearly_the_same_rate_is_the_recording(tmp_path):
    recording = written(tmp_path / "a.iq", noise(10), 20_000_001.0)
    assert resampled(recording, 20e6) is recording


@pytest.mark.parametrize(
    ("own_hz", "new_hz", "message"),
    [
        (None, 20e6, r"a\.iq: its sample rate is not known.* 20000000 samples/s; state sample_rate_hz"),
        (10e6, 20e6, r"a\.iq: its 10000000 samples/s cannot become 20000000 samples/s, only a lower"),
        (20e6, 20e6, r"cannot become 20000000"),
        (20e6, float("nan"), r"cannot become nan"),
        (20e6, 0.0, r"cannot become 0"),
        (20e6, 19e3, r"20000000 samples/s are more than 1000 times 19000 samples/s"),
    ],
)
def test_resampling_to_what_is_no_lower_rate_is_refused(tmp_path, own_hz, new_hz, message):
    recording = written(tmp_path / "a.iq", noise(10), own_hz)
    with pytest.raises(RunError, match=message):
        resampled(recording, new_hz)


def test_resampling_pickles_small_and_has_a_digest_of_its_own(tmp_path):
    recording = written(tmp_path / "a.iq", noise(10_000), 50e6)
    lower = resampled(recording, 20e6)
    frozen = pickle.dumps(lower)
    assert len(frozen) < 2000
    assert pickle.loads(frozen) == lower
    digests = [one.digest(0, 100) for one in (lower, pickle.loads(frozen), resampled(recording, 10e6), recording)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_resampling_takes_little_memory_whatever_the_length(tmp_path):
    with (tmp_path / "huge.iq").open("wb") as file:
        file.truncate(4 * 2**30)
    lower = resampled(open_recording(tmp_path / "huge.iq", sample_rate_hz=100e6), 20e6)
    lower.read(0, 1)  # makes the filter
    tracemalloc.start()
    try:
        lower.read(lower.sample_count - 2**18, 2**18)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20 * 2**20


def test_resampling_a_file_that_became_shorter_is_told(tmp_path):
    lower = resampled(written(tmp_path / "a.iq", noise(10_000), 50e6), 20e6)
    (tmp_path / "a.iq").write_bytes(bytes(800))
    with pytest.raises(RunError, match=r"a\.iq: the file became shorter"):
        lower.read(0, 4000)


def test_resampling_spectrograms_are_those_of_the_lower_rate(tmp_path):
    stft = StftSettings(style="peak", stft_points=128, duration_s=0.001, image_size=64)
    samples = tone(6e6, 61.44e6, 200_000) + tone(-20e6, 61.44e6, 200_000)
    lower = resampled(written(tmp_path / "a.iq", samples, 61.44e6), 20e6)
    assert spectrogram_count(lower, stft) == 3
    alone = written(tmp_path / "b.iq", tone(6e6, 20e6, 65_000), 20e6)
    pairs = list(zip(iter_spectrograms(lower, stft), iter_spectrograms(alone, stft), strict=True))
    assert len(pairs) == 3
    for found, expected in pairs:
        rows = [int(one.image[..., 0].astype(int).sum(axis=1).argmax()) for one in (found, expected)]
        assert rows[0] == rows[1]
