import numpy as np
import pytest

from rfuav_ray.signals.simulation.emitters import EMITTERS
from rfuav_ray.signals.simulation.scene import simulate
from tests.support.radio_scenes import SCENE, envelope, halves, loudest_hz


@pytest.mark.parametrize(
    ("emitter", "channels"),
    [("gfsk_fast_shuffle", 15), ("gfsk_fast_zigzag", 15), ("gfsk_slow_sweep", 5), ("chirp_slow_shuffle", 5)],
)
def test_hopping_remotes_hop_over_their_channels(emitter, channels):
    """Within 20 ms all channels, but for the last: its hops last 4 ms."""
    frequency_hz = np.sort(loudest_hz(simulate(emitter, **SCENE, interference=False)))
    groups = 1 + np.count_nonzero(np.diff(frequency_hz) > 0.35e6)
    assert channels - 1 <= groups <= channels + 1
    assert EMITTERS[emitter].span_hz * 0.3 < np.ptp(frequency_hz) < EMITTERS[emitter].span_hz


def test_hopping_orders_differ():
    def steps_hz(emitter):
        return np.diff(loudest_hz(simulate(emitter, **{**SCENE, "duration_s": 0.04}, interference=False)))

    assert np.abs(steps_hz("gfsk_fast_zigzag")).max() < 2.5e6
    assert np.abs(steps_hz("gfsk_fast_shuffle")).max() > 6e6
    sweep = steps_hz("gfsk_slow_sweep")
    assert sweep.max() < 5e6
    assert sweep.min() < -9e6  # from the top back to the bottom


@pytest.mark.parametrize(("emitter", "on_share"), [("gfsk_fast_shuffle", 0.6), ("chirp_slow_shuffle", 0.75)])
def test_hopping_remotes_are_on_for_their_share_of_the_time(emitter, on_share):
    powers = envelope(simulate(emitter, **SCENE, interference=False), 500)
    off, on = halves(powers)
    assert len(on) / (len(on) + len(off)) == pytest.approx(on_share, abs=0.06)
