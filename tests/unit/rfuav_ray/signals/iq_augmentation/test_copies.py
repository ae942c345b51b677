import numpy as np
import pytest

from rfuav_ray.signals.iq_augmentation.copies import Measured, copy_of, notes_of
from rfuav_ray.signals.iq_augmentation.settings import IqAugmentation
from rfuav_ray.signals.noise.on_power import on_power
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.writers import write_recording

RATE_HZ = 20e6
COUNT = 200_000


@pytest.fixture
def measured(tmp_path):
    def make(samples, name="a", rate_hz=RATE_HZ, **asked):
        write_recording(tmp_path / f"{name}.iq", np.asarray(samples, np.complex64))
        recording = open_recording(tmp_path / f"{name}.iq", sample_rate_hz=rate_hz, **asked)
        return Measured(recording, on_power(recording), rate_hz)

    return make


def scene(emitter="ofdm_5mhz_video", snr_db=40.0, seed=1):
    return simulate(
        emitter, duration_s=COUNT / RATE_HZ, sample_rate_hz=RATE_HZ, snr_db=snr_db, seed=seed, interference=False
    )


def copies(original, count=20, interferers=(), **fields):
    settings = IqAugmentation(iq_copies=count, **fields)
    return [
        copy_of(original, settings, name="a", number=number, samples_per_spectrogram=1000, interferers=interferers)
        for number in range(1, count + 1)
    ]


def test_copies_have_the_drawn_ratios(measured):
    original = measured(scene())
    found = [on_power(one).snr_db() for one in copies(original, iq_snr_db=(0, 20))]
    assert -0.5 < min(found) < 4
    assert 16 < max(found) < 20.5


def test_copies_one_ratio_is_that_ratio(measured):
    for one in copies(measured(scene()), count=3, iq_snr_db=(7, 7), iq_frequency_shift_hz=1e6, iq_gain_db=10):
        assert on_power(one).snr_db() == pytest.approx(7, abs=0.3)


def test_copies_gain_is_within_its_bounds(measured):
    original = measured(scene())
    gains_db = [
        20 * np.log10(np.linalg.norm(one.read(0, COUNT)) / np.linalg.norm(original.recording.read(0, COUNT)))
        for one in copies(original, iq_gain_db=6)
    ]
    assert -6 <= min(gains_db) < -3
    assert 3 < max(gains_db) <= 6.001


def test_copies_shifts_are_within_their_bounds(measured):
    pulse = np.full(COUNT, 1e-3, np.complex64)
    pulse[5000:5100] = 1
    shifts = [5000 - np.abs(one.read(0, COUNT)).argmax() for one in copies(measured(pulse), iq_time_shift=1)]
    assert 0 <= min(shifts) < 200
    assert 800 < max(shifts) <= 1000


def test_copies_an_interferer_has_the_drawn_power(measured):
    original = measured(scene())
    other = measured(scene("gfsk_slow_sweep", seed=9), "b")
    for one in copies(original, count=3, interferers=[other], interferers_path="x", interferer_db=(-6, -6)):
        added = one.read(0, COUNT) - original.recording.read(0, COUNT)
        share = np.mean(np.abs(other.recording.read(0, COUNT)) ** 2) / other.power.signal_power
        power = np.mean(np.abs(added) ** 2) / share / original.power.signal_power
        assert 10 * np.log10(power) == pytest.approx(-6, abs=0.3)


def test_copies_are_the_same_for_the_same_seed_and_name_and_differ_otherwise(measured):
    original = measured(scene())

    def digest(name="a", number=1, seed=42):
        settings = IqAugmentation(iq_copies=2, iq_snr_db=(0, 20), iq_time_shift=0.5, iq_seed=seed)
        made = copy_of(original, settings, name=name, number=number, samples_per_spectrogram=1000)
        return made.digest(0, 2000)

    assert digest() == digest()
    assert len({digest(), digest(name="b"), digest(number=2), digest(seed=1)}) == 4


def test_copies_say_nothing_of_what_can_be_done(measured):
    settings = IqAugmentation(
        iq_copies=1, iq_snr_db=(0, 20), iq_frequency_shift_hz=1e6, iq_time_shift=1, interferers_path="x"
    )
    assert notes_of(measured(scene()), settings, [measured(scene(seed=2), "b")]) == []


@pytest.mark.parametrize(
    ("make", "fields", "said"),
    [
        (lambda: scene(snr_db=10), {"iq_snr_db": (0, 20)}, "its own SNR is below the highest of iq_snr_db"),
        (lambda: np.zeros(5000), {"iq_snr_db": (0, 20)}, "nothing in it stands out of its noise"),
        (scene, {"interferers_path": "x"}, "no interferer has its sample rate"),
        (scene, {"iq_frequency_shift_hz": 11e6}, "wrap around its band"),
    ],
)
def test_copies_what_they_lack_is_told(measured, make, fields, said):
    other = measured(scene(seed=2), "b", rate_hz=10e6)
    (note,) = notes_of(measured(make()), IqAugmentation(iq_copies=1, **fields), [other])
    assert said in note.message
    assert note.level == "WARNING"


def test_copies_of_a_real_signal_are_not_shifted_in_frequency_and_get_no_interferer(measured):
    original = measured(scene(), is_real=True)
    other = measured(scene(seed=2), "b")
    fields = {"iq_frequency_shift_hz": 1e6, "interferers_path": "x"}
    notes = notes_of(original, IqAugmentation(iq_copies=1, **fields), [other])
    assert [note.message.partition(",")[0] for note in notes] == ["it is a real signal"] * 2
    (one,) = copies(original, count=1, interferers=[other], **fields)
    np.testing.assert_array_equal(one.read(0, COUNT), original.recording.read(0, COUNT))


def test_copies_of_a_recording_without_a_signal_get_no_noise(measured):
    original = measured(np.zeros(5000))
    (one,) = copies(
        original, count=1, interferers=[measured(scene(), "b")], iq_snr_db=(0, 0), interferers_path="x"
    )
    assert not one.read(0, 5000).any()


def test_copies_an_interferers_noise_counts_as_noise(measured):
    other = measured(scene("gfsk_slow_sweep", snr_db=15, seed=9), "b")
    (one,) = copies(
        measured(scene()),
        count=1,
        interferers=[other],
        interferers_path="x",
        interferer_db=(0, 0),
        iq_snr_db=(5, 5),
    )
    power = on_power(one)
    signal = on_power(measured(scene()).recording).signal_power
    assert 10 * np.log10(signal / power.floor_power) == pytest.approx(5, abs=0.5)
