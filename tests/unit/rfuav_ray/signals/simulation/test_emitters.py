import numpy as np
import pytest

from rfuav_ray.signals.simulation.emitters import EMITTERS, HELD_OUT
from rfuav_ray.signals.simulation.scene import simulate


def test_emitters_held_out_kinds_are_none_of_the_eight():
    assert not EMITTERS.keys() & HELD_OUT.keys()


@pytest.mark.parametrize("rate_hz", [17e6, 61.44e6, 100e6])
@pytest.mark.parametrize("emitter", [*EMITTERS, *HELD_OUT])
def test_emitters_any_sample_rate_that_is_high_enough_will_do(emitter, rate_hz):
    samples = simulate(emitter, duration_s=0.001, sample_rate_hz=rate_hz, snr_db=10, seed=0)
    assert samples.shape == (round(0.001 * rate_hz),)
    assert np.isfinite(samples).all()
