import pytest
from pydantic import ValidationError

from rfuav_ray.signals.iq_augmentation.settings import IqAugmentation


def test_settings_without_copies_nothing_is_changed():
    assert IqAugmentation().iq_copies == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"iq_copies": 2}, "iq_copies: the copies would all be equal"),
        ({"iq_snr_db": (0, 20)}, "iq_copies: it is 0, so iq_snr_db changes nothing"),
        ({"iq_gain_db": 3}, "iq_copies: it is 0, so iq_gain_db changes nothing"),
        ({"iq_copies": 1, "iq_snr_db": (20, 0)}, "iq_snr_db: the first value must not be higher"),
        ({"iq_copies": 1, "iq_gain_db": 1, "interferer_db": (0, -1)}, "interferer_db: the first value"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(fields, reason):
    with pytest.raises(ValidationError, match=reason):
        IqAugmentation(**fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("iq_copies", -1),
        ("iq_copies", 101),
        ("iq_snr_db", (-101, 0)),
        ("iq_snr_db", (0, float("nan"))),
        ("iq_snr_db", (1, 2, 3)),
        ("iq_time_shift", 1.1),
        ("iq_time_shift", -0.1),
        ("iq_frequency_shift_hz", -1),
        ("iq_frequency_shift_hz", float("inf")),
        ("iq_gain_db", -1),
        ("iq_gain_db", float("nan")),
        ("interferers_path", ""),
        ("interferer_db", (0, 101)),
        ("iq_seed", -1),
        ("iq_seed", 2**53),
    ],
)
def test_settings_have_bounds(field, value):
    with pytest.raises(ValidationError, match=field):
        IqAugmentation(**{"iq_copies": 1, "iq_gain_db": 1, field: value})
