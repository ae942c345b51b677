import hashlib
from typing import Any

import numpy as np
import pytest
import scipy.signal

from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.simulation.emitters import EMITTERS, HELD_OUT
from rfuav_ray.signals.simulation.nuisances import Nuisances
from rfuav_ray.signals.simulation.scene import UNKNOWN_KINDS, simulate, simulate_unknown
from rfuav_ray.signals.writers import write_recording

RATE_HZ = 20e6
SCENE: dict[str, Any] = {"duration_s": 0.02, "sample_rate_hz": RATE_HZ, "snr_db": 20.0, "seed": 1}


def envelope(samples, width):
    """Mean power of each `width` samples."""
    power = np.abs(samples[: len(samples) // width * width]) ** 2
    return power.reshape(-1, width).mean(axis=1)


def halves(powers):
    """The powers while off and while on, without the blocks in between in which it changes."""
    floor = np.percentile(powers, 2)
    return powers[powers < 1.5 * floor], powers[powers > 20 * floor]


def loudest_hz(samples):
    """The frequency of each 0.1 ms that is well above the noise."""
    _, _, spectrum = scipy.signal.stft(
        samples, RATE_HZ, nperseg=256, noverlap=0, return_onesided=False, boundary=None
    )
    power = np.abs(np.fft.fftshift(spectrum, axes=0)) ** 2
    power = power[:, : power.shape[1] // 8 * 8].reshape(256, -1, 8).mean(axis=2)
    frequency_hz = np.fft.fftshift(np.fft.fftfreq(256, 1 / RATE_HZ))
    return frequency_hz[power.argmax(axis=0)[power.max(axis=0) > 30 * np.median(power)]]


def occupied_hz(samples):
    """From the lowest to the highest frequency whose density is 10 dB above the noise."""
    frequency_hz, density = scipy.signal.welch(samples, RATE_HZ, nperseg=512, return_onesided=False)
    used = frequency_hz[density > 10 * np.percentile(density, 5)]
    return used.max() - used.min()


@pytest.mark.parametrize("emitter", [*EMITTERS, *HELD_OUT])
def test_scene_the_same_seed_gives_the_same_bytes_and_another_seed_others(emitter):
    first, again = simulate(emitter, **SCENE), simulate(emitter, **SCENE)
    assert first.dtype == np.complex64
    assert first.shape == (400_000,)
    assert first.tobytes() == again.tobytes()
    other = simulate(emitter, **{**SCENE, "seed": 2})
    correlation = np.abs(np.vdot(first, other)) / np.linalg.norm(first) / np.linalg.norm(other)
    assert correlation < 0.1


def test_scene_two_emitters_with_one_seed_share_no_noise():
    first, second = (
        simulate(emitter, **{**SCENE, "snr_db": -60}) for emitter in ("ofdm_5mhz_video", "gfsk_slow_sweep")
    )
    assert np.abs(np.vdot(first, second)) / np.linalg.norm(first) / np.linalg.norm(second) < 0.02


@pytest.mark.parametrize("emitter", EMITTERS)
@pytest.mark.parametrize("snr_db", [15, 20])
def test_scene_the_ratio_of_on_and_off_is_the_snr(emitter, snr_db):
    powers = envelope(simulate(emitter, **{**SCENE, "snr_db": snr_db}, interference=False), 500)
    # Hops fade, so the weak ones may lie below a threshold that suits the mean.
    floor = np.median(powers[powers < 1.5 * np.percentile(powers, 2)])
    on = powers[powers > 5 * floor].mean() - floor
    assert 10 * np.log10(on / floor) == pytest.approx(snr_db, abs=0.7)


@pytest.mark.parametrize("emitter", EMITTERS)
def test_scene_a_scene_fits_the_range_of_a_receiver(emitter):
    peaks = [np.abs(simulate(emitter, **{**SCENE, "seed": seed})).max() for seed in range(4)]
    assert 0.099 < min(peaks) < max(peaks) < 0.901
    assert max(peaks) > 1.1 * min(peaks)


@pytest.mark.parametrize(
    ("emitter", "bandwidth_hz"),
    [
        ("ofdm_5mhz_video", 5e6),
        ("ofdm_10mhz_video", 10e6),
        ("ofdm_10mhz_duplex", 10e6),
        ("ofdm_16mhz_burst", 16e6),
    ],
)
def test_scene_video_links_occupy_their_bandwidth(emitter, bandwidth_hz):
    for seed in range(3):
        samples = simulate(emitter, **{**SCENE, "seed": seed}, interference=False)
        assert occupied_hz(samples) == pytest.approx(bandwidth_hz, rel=0.06)


@pytest.mark.parametrize(
    ("emitter", "on_share"),
    [
        ("ofdm_5mhz_video", 0.8),
        ("ofdm_10mhz_video", 0.86),
        ("ofdm_10mhz_duplex", 0.6),
        ("ofdm_16mhz_burst", 0.35),
        ("gfsk_fast_shuffle", 0.6),
        ("chirp_slow_shuffle", 0.75),
    ],
)
def test_scene_emitters_are_on_for_their_share_of_the_time(emitter, on_share):
    powers = envelope(simulate(emitter, **SCENE, interference=False), 500)
    off, on = halves(powers)
    assert len(on) / (len(on) + len(off)) == pytest.approx(on_share, abs=0.06)


@pytest.mark.parametrize(
    ("emitter", "channels"),
    [("gfsk_fast_shuffle", 15), ("gfsk_fast_zigzag", 15), ("gfsk_slow_sweep", 5), ("chirp_slow_shuffle", 5)],
)
def test_scene_remotes_hop_over_their_channels(emitter, channels):
    """Within 20 ms all channels, but for the last: its hops last 4 ms."""
    frequency_hz = np.sort(loudest_hz(simulate(emitter, **SCENE, interference=False)))
    groups = 1 + np.count_nonzero(np.diff(frequency_hz) > 0.35e6)
    assert channels - 1 <= groups <= channels + 1
    assert EMITTERS[emitter].span_hz * 0.3 < np.ptp(frequency_hz) < EMITTERS[emitter].span_hz


def test_scene_orders_differ():
    def steps_hz(emitter):
        return np.diff(loudest_hz(simulate(emitter, **{**SCENE, "duration_s": 0.04}, interference=False)))

    assert np.abs(steps_hz("gfsk_fast_zigzag")).max() < 2.5e6
    assert np.abs(steps_hz("gfsk_fast_shuffle")).max() > 6e6
    sweep = steps_hz("gfsk_slow_sweep")
    assert sweep.max() < 5e6
    assert sweep.min() < -9e6  # from the top back to the bottom


def test_scene_the_place_in_the_band_differs_from_scene_to_scene():
    centres_hz = [
        np.median(loudest_hz(simulate("ofdm_5mhz_video", **{**SCENE, "seed": seed}, interference=False)))
        for seed in range(8)
    ]
    assert np.ptp(centres_hz) > 4e6


def test_scene_interference_is_there_in_some_scenes_and_changes_nothing_else():
    differing = []
    for seed in range(12):
        alone, together = (
            simulate("gfsk_slow_sweep", **{**SCENE, "seed": seed}, interference=interference)
            for interference in (False, True)
        )
        gain = np.vdot(alone, together) / np.vdot(alone, alone)
        rest = np.linalg.norm(together - gain * alone) / np.linalg.norm(gain * alone)
        differing.append(rest > 0.05)
        assert rest < 1.2
    assert 0 < sum(differing) < 12


@pytest.mark.parametrize("rate_hz", [17e6, 61.44e6, 100e6])
@pytest.mark.parametrize("emitter", [*EMITTERS, *HELD_OUT])
def test_scene_any_sample_rate_that_is_high_enough_will_do(emitter, rate_hz):
    samples = simulate(emitter, duration_s=0.004, sample_rate_hz=rate_hz, snr_db=10, seed=0)
    assert samples.shape == (round(0.004 * rate_hz),)
    assert np.isfinite(samples).all()


def test_scene_a_scene_of_one_sample():
    assert simulate("ofdm_5mhz_video", duration_s=1e-7, sample_rate_hz=RATE_HZ, snr_db=0, seed=0).shape == (2,)
    assert simulate("gfsk_slow_sweep", duration_s=5e-8, sample_rate_hz=RATE_HZ, snr_db=0, seed=0).shape == (1,)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("emitter", "no_such"),
        ("emitter", ""),
        ("duration_s", 0.0),
        ("duration_s", -1.0),
        ("duration_s", float("nan")),
        ("duration_s", float("inf")),
        ("duration_s", 1e6),
        ("sample_rate_hz", 1e6),
        ("sample_rate_hz", -20e6),
        ("sample_rate_hz", float("nan")),
        ("sample_rate_hz", float("inf")),
        ("snr_db", float("nan")),
        ("snr_db", float("inf")),
        ("snr_db", 1000),
        ("seed", -1),
    ],
)
def test_scene_what_cannot_be_simulated_is_refused_by_name(field, value):
    with pytest.raises(InvalidInput) as caught:
        simulate(**{"emitter": "ofdm_16mhz_burst", **SCENE, field: value})
    assert caught.value.field == field


def test_scene_an_unknown_emitter_is_told_the_known_ones():
    with pytest.raises(InvalidInput, match="chirp_slow_shuffle, gfsk_fast_shuffle"):
        simulate("wifi", **SCENE)


def test_scene_a_recording_reads_back_as_it_was_written(tmp_path):
    samples = simulate("ofdm_5mhz_video", **SCENE)[:1000]
    write_recording(tmp_path / "new" / "a.iq", samples)
    assert (tmp_path / "new" / "a.iq").stat().st_size == 8000
    np.testing.assert_array_equal(open_recording(tmp_path / "new" / "a.iq").read(0, 1000), samples)


@pytest.mark.parametrize(
    ("emitter", "digest"),
    [
        ("ofdm_10mhz_duplex", "f351618a672ba66e"),
        ("chirp_slow_shuffle", "95b773d110e69d98"),
    ],
)
def test_scene_an_old_seed_gives_the_bytes_that_it_always_gave(emitter, digest):
    samples = simulate(emitter, duration_s=0.0002, sample_rate_hz=RATE_HZ, snr_db=7, seed=5)
    rounded = np.rint(samples.view(np.float32) * 127).astype(np.int8)
    assert hashlib.sha256(rounded.tobytes()).hexdigest()[:16] == digest


def test_scene_an_ideal_receiver_is_none():
    first, second = (simulate("gfsk_fast_zigzag", **SCENE, nuisances=one) for one in (None, Nuisances()))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("emitter", [*EMITTERS, *HELD_OUT])
def test_scene_nuisances_belong_to_the_recording(emitter):
    first, again, other = (
        simulate(emitter, **SCENE, nuisances=Nuisances.of_recording(seed)) for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert np.isfinite(first).all()
    assert np.abs(first).max() < 0.901


def test_scene_gain_lowers_the_level():
    loud, quiet = (
        simulate("gfsk_fast_zigzag", **SCENE, nuisances=Nuisances(gain_db=gain_db)) for gain_db in (0, -20)
    )
    np.testing.assert_allclose(quiet * 10, loud, rtol=1e-5)


def test_scene_the_ratio_is_as_stated_with_echoes_and_coloured_noise():
    nuisances = Nuisances(echoes=Nuisances.of_recording(6).echoes, noise_slope_db=3, gain_db=-7)
    assert len(nuisances.echoes) > 0
    scene = {**SCENE, "snr_db": 15}
    powers = envelope(simulate("ofdm_5mhz_video", **scene, interference=False, nuisances=nuisances), 500)
    off, on = halves(powers)
    assert 10 * np.log10((on.mean() - off.mean()) / off.mean()) == pytest.approx(15, abs=0.5)


def test_scene_the_pieces_of_a_long_recording_share_their_frequency():
    samples = simulate("ofdm_5mhz_video", **{**SCENE, "duration_s": 0.1}, interference=False)
    middles_hz = [np.median(loudest_hz(piece)) for piece in np.split(samples, 5)]
    assert np.ptp(middles_hz) < 1e6


def test_scene_held_out_kinds_are_none_of_the_eight():
    assert not EMITTERS.keys() & HELD_OUT.keys()


@pytest.mark.parametrize(("emitter", "bandwidth_hz"), [("fm_analog_video", 7.5e6), ("qpsk_3mhz_telemetry", 3e6)])
def test_scene_held_out_kinds_occupy_their_bandwidth(emitter, bandwidth_hz):
    samples = simulate(emitter, **SCENE, interference=False)
    assert occupied_hz(samples) == pytest.approx(bandwidth_hz, rel=0.15)


@pytest.mark.parametrize(("emitter", "on_share"), [("fm_analog_video", 1.0), ("qpsk_3mhz_telemetry", 0.38)])
def test_scene_held_out_kinds_are_on_for_their_share_of_the_time(emitter, on_share):
    powers = envelope(simulate(emitter, **SCENE, interference=False), 500)
    assert np.mean(powers > 0.3 * np.percentile(powers, 95)) == pytest.approx(on_share, abs=0.05)


def test_scene_unknown_kinds_are_noise_and_neighbours():
    def loud_share(kind, seed):
        samples = simulate_unknown(duration_s=0.02, sample_rate_hz=RATE_HZ, seed=seed, snr_db=20, kind=kind)
        powers = envelope(samples, 500)
        return np.mean(powers > 3 * np.percentile(powers, 10))

    shares = {kind: np.mean([loud_share(kind, seed) for seed in range(6)]) for kind in UNKNOWN_KINDS}
    assert shares["noise"] == 0
    assert 0.05 < shares["wifi"] < 0.4
    assert 0.05 < shares["bluetooth"] < 0.5
    assert shares["wifi_and_bluetooth"] > max(shares["wifi"], shares["bluetooth"])


def test_scene_unknown_is_drawn_from_its_kinds_and_seeded():
    def drawn(seed, **options):
        return simulate_unknown(duration_s=0.002, sample_rate_hz=RATE_HZ, seed=seed, **options).tobytes()

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(1) != drawn(1, nuisances=Nuisances.of_recording(1))
    found = {kind for seed in range(30) for kind in UNKNOWN_KINDS if drawn(seed) == drawn(seed, kind=kind)}
    assert found == set(UNKNOWN_KINDS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration_s", 0.0),
        ("sample_rate_hz", 0.0),
        ("sample_rate_hz", float("nan")),
        ("seed", -1),
        ("kind", "gps"),
    ],
)
def test_scene_an_unknown_that_cannot_be_simulated_is_refused_by_name(field, value):
    with pytest.raises(InvalidInput) as caught:
        simulate_unknown(**{"duration_s": 0.01, "sample_rate_hz": 1e6, "seed": 1, field: value})
    assert caught.value.field == field


def test_scene_unknown_at_any_rate():
    for kind in UNKNOWN_KINDS:
        samples = simulate_unknown(duration_s=0.01, sample_rate_hz=0.1e6, seed=3, kind=kind)
        assert samples.shape == (1000,)
        assert np.isfinite(samples).all()
