import math
from dataclasses import replace

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.noise.noisy import noisy
from rfuav_ray.signals.noise.on_power import on_power
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.simulation.emitters import EMITTERS
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.writers import write_recording

RATE_HZ = 20e6


@pytest.fixture
def recording_of(tmp_path):
    def write(samples, **asked):
        path = tmp_path / "a.iq"
        write_recording(path, np.asarray(samples, np.complex64))
        return open_recording(path, **{"sample_rate_hz": RATE_HZ, **asked})

    return write


def scene(emitter="ofdm_5mhz_video", *, snr_db, seed=1):
    return simulate(emitter, duration_s=0.02, sample_rate_hz=RATE_HZ, snr_db=snr_db, seed=seed, interference=False)


def white_noise(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 2), np.float32).view(np.complex64)[:, 0] * np.float32(0.1)


@pytest.mark.parametrize("emitter", EMITTERS)
@pytest.mark.parametrize("snr_db", [0, 10, 20, 30])
def test_noise_the_estimate_is_the_snr_that_was_simulated(recording_of, emitter, snr_db):
    power = on_power(recording_of(scene(emitter, snr_db=snr_db)))
    assert power.snr_db() == pytest.approx(snr_db, abs=0.3)


@pytest.mark.parametrize("wanted_db", [-20, -3, 0, 10, 25])
@pytest.mark.parametrize("emitter", EMITTERS)
def test_noise_the_ratio_of_the_recording_and_its_noise_is_the_wanted_one(recording_of, emitter, wanted_db):
    clean = recording_of(scene(emitter, snr_db=40))
    power = on_power(clean)
    added = noisy(clean, wanted_db, seed=3).read(0, 400_000) - clean.read(0, 400_000)
    noise = power.floor_power + np.mean(np.abs(added) ** 2)
    assert 10 * math.log10(power.signal_power / noise) == pytest.approx(wanted_db, abs=0.1)


def test_noise_only_the_noise_in_the_band_counts(recording_of):
    clean = recording_of(scene(snr_db=40))
    whole = on_power(noisy(clean, 10, seed=3))
    quarter = on_power(noisy(clean, 10, seed=3, bandwidth_hz=5e6))
    assert whole.snr_db() == pytest.approx(10, abs=0.3)
    assert quarter.snr_db() == pytest.approx(4, abs=0.3)
    assert quarter.snr_db(5e6 / RATE_HZ) == pytest.approx(10, abs=0.3)


def test_noise_what_is_noisier_already_stays_as_it_is(recording_of):
    recording = recording_of(scene(snr_db=5))
    np.testing.assert_array_equal(noisy(recording, 20, seed=1).read(0, 400_000), recording.read(0, 400_000))


def test_noise_a_signal_without_pauses_is_measured_against_the_quiet_frequencies(recording_of):
    time_s = np.arange(400_000) / RATE_HZ
    tone = np.exp(2j * np.pi * 3.1e6 * time_s)
    power = on_power(recording_of(white_noise(400_000) + tone))
    assert power.signal_power == pytest.approx(1, rel=0.03)
    assert power.floor_power == pytest.approx(0.02, rel=0.1)


def test_noise_a_constant_offset_is_no_signal(recording_of):
    power = on_power(recording_of(white_noise(400_000) + 0.5))
    assert power.signal_power == 0
    assert power.snr_db() == -math.inf
    assert power.floor_power == pytest.approx(0.02, rel=0.05)


def test_noise_without_a_signal_no_ratio_can_be_set(recording_of):
    with pytest.raises(RunError, match=r"a\.iq: nothing in it stands out of its noise"):
        noisy(recording_of(white_noise(200_000)), 10, seed=1)


def test_noise_silence_has_no_power(recording_of):
    power = on_power(recording_of(np.zeros(5000)))
    assert (power.signal_power, power.floor_power) == (0, 0)


def test_noise_a_signal_in_silence_has_an_endless_ratio(recording_of):
    pulse = np.zeros(200_000)
    pulse[50_000:150_000] = np.tile([1, -1], 50_000)
    power = on_power(recording_of(pulse))
    assert power.signal_power == pytest.approx(1, rel=0.01)
    assert power.snr_db() == math.inf


def test_noise_a_long_recording_is_looked_at_in_parts(recording_of):
    assert on_power(recording_of(np.tile(scene(snr_db=20), 45))).snr_db() == pytest.approx(20, abs=0.3)


def test_noise_a_sample_has_the_same_noise_in_whatever_range_it_is_read(recording_of):
    recording = noisy(recording_of(scene(snr_db=40)), 0, seed=5)
    whole = recording.read(0, 400_000)
    for start, count in [(0, 1), (65_530, 20), (65_536, 65_536), (399_999, 1), (70_000, 0), (100_001, 200_000)]:
        np.testing.assert_array_equal(recording.read(start, count), whole[start : start + count])
    assert not np.array_equal(whole, noisy(recording_of(scene(snr_db=40)), 0, seed=6).read(0, 400_000))


def test_noise_bad_samples_stay_bad(recording_of):
    samples = scene(snr_db=40)
    samples[7] = np.nan
    read, finite = noisy(recording_of(samples), 0, seed=1).read_checked(0, 100)
    assert np.flatnonzero(~finite).tolist() == [7]
    assert read[7] == 0


def test_noise_a_real_signal_stays_real(recording_of):
    values = scene(snr_db=40).real
    recording = recording_of(values[::2] + 1j * values[1::2], is_real=True)
    made = noisy(recording, 10, seed=1)
    assert not made.is_complex
    assert made.samples.stored(0, 10).dtype == np.float32
    added = made.read(0, 400_000) - recording.read(0, 400_000)
    power = on_power(recording)
    assert not added.imag.any()
    assert power.signal_power / np.mean(np.abs(added) ** 2) == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("bandwidth_hz", [20.1e6, 0, -1.0, math.nan])
def test_noise_a_band_beyond_the_recordings_is_refused(recording_of, bandwidth_hz):
    recording = recording_of(scene(snr_db=40))
    with pytest.raises(RunError, match=r"a\.iq: bandwidth_hz"):
        noisy(recording, 10, seed=1, bandwidth_hz=bandwidth_hz)


def test_noise_a_band_needs_a_sample_rate(recording_of):
    recording = replace(recording_of(scene(snr_db=40)), sample_rate_hz=None)
    with pytest.raises(RunError, match="state sample_rate_hz"):
        noisy(recording, 10, seed=1, bandwidth_hz=1e6)


def test_noise_too_few_samples_are_refused(recording_of):
    with pytest.raises(RunError, match="1023 samples are too few"):
        on_power(recording_of(np.ones(1023)))


def test_noise_another_seed_or_level_gives_another_digest(recording_of):
    recording = recording_of(scene(snr_db=40))
    made = [noisy(recording, snr_db, seed=seed) for snr_db, seed in [(0, 1), (0, 2), (1, 1)]]
    assert len({one.digest(0, 1000) for one in [recording, *made]}) == 4


def test_noise_silent_pauses_are_not_the_emitter(recording_of):
    """A coarse quantizer leaves no noise in the pauses, but an offset."""
    signal = 0.3 * white_noise(40 * 4096).reshape(40, 4096)
    signal[::2] = 0
    power = on_power(recording_of(signal.ravel() + np.complex64(1e-3)))
    assert power.signal_power == pytest.approx(np.mean(np.abs(signal[1::2]) ** 2), rel=0.05)
