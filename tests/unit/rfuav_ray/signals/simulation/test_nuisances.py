from dataclasses import fields

import pytest

from rfuav_ray.signals.simulation.nuisances import Nuisances


def test_nuisances_the_same_recording_has_the_same_ones_and_another_one_others():
    assert Nuisances.of_recording(3) == Nuisances.of_recording(3)
    first, second = Nuisances.of_recording(3), Nuisances.of_recording(4)
    differing = [
        field.name for field in fields(Nuisances) if getattr(first, field.name) != getattr(second, field.name)
    ]
    assert len(differing) >= len(fields(Nuisances)) - 1  # both may be without echoes


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("gain_db", -20, 0),
        ("carrier_offset_hz", -48e3, 48e3),
        ("iq_gain_db", -1, 1),
        ("iq_phase_deg", -5, 5),
        ("noise_slope_db", -4, 4),
        ("passband", 0.8, 1),
        ("ripple_db", 0, 2),
        ("ripple_periods", 1, 6),
    ],
)
def test_nuisances_fill_their_bounds(field, low, high):
    drawn = [getattr(Nuisances.of_recording(seed), field) for seed in range(200)]
    margin = 0.1 * (high - low)
    assert low <= min(drawn) < low + margin
    assert high - margin < max(drawn) <= high


def test_nuisances_echoes_and_offset_fill_their_bounds():
    drawn = [Nuisances.of_recording(seed) for seed in range(200)]
    assert {len(one.echoes) for one in drawn} == {0, 1, 2, 3}
    echoes = [echo for one in drawn for echo in one.echoes]
    assert all(0 <= echo.delay_s <= 0.4e-6 and 0.1 <= abs(echo.amplitude) <= 0.502 for echo in echoes)
    assert 0.03 < min(abs(one.dc_offset) for one in drawn) < 0.05
    assert 0.8 < max(abs(one.dc_offset) for one in drawn) <= 1
