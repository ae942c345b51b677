"""Numbers of requests for evaluations have bounds."""

import pytest
from pydantic import ValidationError

from rfuav_ray.api.requests import EvaluationRequest, SnrSweep


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"from": -100, "to": 100, "step": 1e-310}, "at most 101"),
        ({"from": 0, "to": 100, "step": 0.99}, "at most 101"),
        ({"from": 1, "to": 0}, "is below from"),
        ({"from": 0, "to": 1, "stepp": 1}, "stepp"),
        ({"from": float("nan")}, "finite"),
        ({"bandwidth_hz": 0}, "greater than 0"),
    ],
)
def test_evaluation_a_sweep_has_countable_ratios(fields, why):
    with pytest.raises(ValidationError, match=why):
        SnrSweep(**fields)


def test_evaluation_a_sweep_has_both_ends():
    assert len(SnrSweep(**{"from": 0, "to": 100, "step": 1}).ratios_db) == 101
    assert SnrSweep(**{"from": -1, "to": 1, "step": 0.2}).ratios_db[-1] == 1
    assert SnrSweep(**{"from": 5, "to": 5}).ratios_db == (5,)


@pytest.mark.parametrize("rate", [0, 5e-324, 1, -1, float("nan")])
def test_evaluation_a_rate_of_false_alarms_is_one(rate):
    with pytest.raises(ValidationError):
        EvaluationRequest(cfg_path="c", weight_path="w", data_path="d", known_false_alarm=rate)
