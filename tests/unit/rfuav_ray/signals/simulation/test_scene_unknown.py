import numpy as np
import pytest

from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.simulation.nuisances import Nuisances
from rfuav_ray.signals.simulation.scene import UNKNOWN_KINDS, simulate_unknown
from tests.support.radio_scenes import RATE_HZ, envelope


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
    recordings = [(seed, drawn(seed)) for seed in range(30)]
    found = {kind for seed, one in recordings for kind in UNKNOWN_KINDS if one == drawn(seed, kind=kind)}
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
