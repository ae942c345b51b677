import hashlib

import numpy as np
import pytest

from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.simulation.emitters import EMITTERS, HELD_OUT
from rfuav_ray.signals.simulation.nuisances import Nuisances
from rfuav_ray.signals.simulation.scene import simulate
from tests.support.radio_scenes import RATE_HZ, SCENE, SHORT, envelope, halves, loudest_hz


@pytest.mark.parametrize("emitter", [*EMITTERS, *HELD_OUT])
def test_scene_the_same_seed_gives_the_same_bytes_and_another_seed_others(emitter):
    first, again = simulate(emitter, **SHORT), simulate(emitter, **SHORT)
    assert first.dtype == np.complex64
    assert first.shape == (100_000,)
    assert first.tobytes() == again.tobytes()
    other = simulate(emitter, **{**SHORT, "seed": 2})
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
    peaks = [np.abs(simulate(emitter, **{**SHORT, "seed": seed})).max() for seed in range(4)]
    assert 0.099 < min(peaks) < max(peaks) < 0.901
    assert max(peaks) > 1.1 * min(peaks)


def test_scene_the_place_in_the_band_differs_from_scene_to_scene():
    centres_hz = [
        np.median(loudest_hz(simulate("ofdm_5mhz_video", **{**SHORT, "seed": seed}, interference=False)))
        for seed in range(8)
    ]
    assert np.ptp(centres_hz) > 4e6


def test_scene_interference_is_there_in_some_scenes_and_changes_nothing_else():
    differing = []
    for seed in range(12):
        alone, together = (
            simulate("gfsk_slow_sweep", **{**SHORT, "seed": seed}, interference=interference)
            for interference in (False, True)
        )
        gain = np.vdot(alone, together) / np.vdot(alone, alone)
        rest = np.linalg.norm(together - gain * alone) / np.linalg.norm(gain * alone)
        differing.append(rest > 0.05)
        assert rest < 1.2
    assert 0 < sum(differing) < 12


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
        simulate(emitter, **SHORT, nuisances=Nuisances.of_recording(seed)) for seed in (1, 1, 2)
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
