import pytest

from rfuav_ray.signals.simulation.scene import simulate
from tests.support.radio_scenes import SCENE, SHORT, envelope, halves, occupied_hz


@pytest.mark.parametrize(
    ("emitter", "bandwidth_hz"),
    [
        ("ofdm_5mhz_video", 5e6),
        ("ofdm_10mhz_video", 10e6),
        ("ofdm_10mhz_duplex", 10e6),
        ("ofdm_16mhz_burst", 16e6),
    ],
)
def test_ofdm_video_links_occupy_their_bandwidth(emitter, bandwidth_hz):
    for seed in range(3):
        samples = simulate(emitter, **{**SHORT, "seed": seed}, interference=False)
        assert occupied_hz(samples) == pytest.approx(bandwidth_hz, rel=0.06)


@pytest.mark.parametrize(
    ("emitter", "on_share"),
    [
        ("ofdm_5mhz_video", 0.8),
        ("ofdm_10mhz_video", 0.86),
        ("ofdm_10mhz_duplex", 0.6),
        ("ofdm_16mhz_burst", 0.35),
    ],
)
def test_ofdm_links_are_on_for_their_share_of_the_time(emitter, on_share):
    powers = envelope(simulate(emitter, **SCENE, interference=False), 500)
    off, on = halves(powers)
    assert len(on) / (len(on) + len(off)) == pytest.approx(on_share, abs=0.06)
