import numpy as np
import pytest

from rfuav_ray.signals.iq_augmentation.changed import Change, changed
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.writers import write_recording


@pytest.fixture
def recording_of(tmp_path):
    def write(samples, name="a", **asked):
        path = tmp_path / f"{name}.iq"
        write_recording(path, np.asarray(samples, np.complex64))
        return open_recording(path, sample_rate_hz=1e6, **asked)

    return write


def ramp(count):
    return np.arange(count) * (1 - 1j) / count


def test_changed_no_change_gives_the_same_samples(recording_of):
    recording = recording_of(ramp(100))
    np.testing.assert_array_equal(changed(recording, Change()).read(0, 100), recording.read(0, 100))


def test_changed_in_time_the_end_comes_back_at_the_beginning(recording_of):
    made = changed(recording_of(ramp(100)), Change(first_sample=30))
    np.testing.assert_array_equal(made.read(0, 100), np.roll(ramp(100), -30).astype(np.complex64))
    assert made.sample_count == 100


def test_changed_in_frequency_a_tone_moves(recording_of):
    tone = np.exp(2j * np.pi * 0.1 * np.arange(1000))
    made = changed(recording_of(tone), Change(cycles_per_sample=-0.25)).read(0, 1000)
    assert np.abs(np.fft.fft(made)).argmax() == 850


def test_changed_gain_is_of_the_amplitude(recording_of):
    np.testing.assert_allclose(
        changed(recording_of(ramp(10)), Change(gain=2.5)).read(0, 10), 2.5 * ramp(10), rtol=1e-6
    )


def test_changed_an_interferer_repeats_until_the_end(recording_of):
    interferer = recording_of([1, 2, 3], "b")
    change = Change(interferer=interferer, interferer_gain=10, interferer_first_sample=1, gain=2)
    made = changed(recording_of(np.zeros(8)), change)
    np.testing.assert_array_equal(made.read(0, 8), [40, 60, 20, 40, 60, 20, 40, 60])


def test_changed_samples_are_the_same_in_whatever_range_they_are_read(recording_of):
    rng = np.random.default_rng(1)
    recording, interferer = recording_of(rng.normal(size=500)), recording_of(rng.normal(size=77), "b")
    change = Change(
        first_sample=123, cycles_per_sample=0.123, interferer=interferer, interferer_gain=0.5, gain=0.3
    )
    made = changed(recording, change)
    whole = made.read(0, 500)
    for start, count in [(0, 1), (370, 20), (376, 1), (377, 123), (499, 1), (10, 0)]:
        np.testing.assert_array_equal(made.read(start, count), whole[start : start + count])


def test_changed_bad_samples_stay_bad(recording_of):
    samples = ramp(100)
    samples[40] = np.inf
    _, finite = changed(recording_of(samples), Change(first_sample=30, gain=2)).read_checked(0, 100)
    assert np.flatnonzero(~finite).tolist() == [10]


def test_changed_a_real_signal_stays_real(recording_of):
    recording = recording_of(ramp(10), is_real=True)
    made = changed(recording, Change(gain=2, first_sample=3))
    assert made.samples.stored(0, 5).dtype == np.float32
    np.testing.assert_array_equal(made.read(0, 20), np.roll(2 * recording.read(0, 20), -3))
