import numpy as np
import pytest

from rfuav_ray.signals.simulation.scene import simulate
from tests.support.radio_scenes import SCENE, envelope, occupied_hz


@pytest.mark.parametrize(("emitter", "bandwidth_hz"), [("fm_analog_video", 7.5e6), ("qpsk_3mhz_telemetry", 3e6)])
def test_single_carrier_kinds_occupy_their_bandwidth(emitter, bandwidth_hz):
    samples = simulate(emitter, **SCENE, interference=False)
    assert occupied_hz(samples) == pytest.approx(bandwidth_hz, rel=0.15)


@pytest.mark.parametrize(("emitter", "on_share"), [("fm_analog_video", 1.0), ("qpsk_3mhz_telemetry", 0.38)])
def test_single_carrier_kinds_are_on_for_their_share_of_the_time(emitter, on_share):
    powers = envelope(simulate(emitter, **SCENE, interference=False), 500)
    assert np.mean(powers > 0.3 * np.percentile(powers, 95)) == pytest.approx(on_share, abs=0.05)
