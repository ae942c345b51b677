"""The settings of a spectrogram: bounds, and what fits together."""

import pytest
from pydantic import ValidationError

from rfuav_ray.signals.stft_settings import StftSettings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sample_rate_hz", 0),
        ("sample_rate_hz", float("inf")),
        ("stft_points", 8),
        ("stft_points", 10**6),
        ("window", "kaiser"),
        ("window_overlap", 1.0),
        ("window_overlap", -0.1),
        ("overlap", -0.1),
        ("overlap", 0.95),
        ("overlap", float("nan")),
        ("duration_s", 0),
        ("duration_s", 1e-6),
        ("duration_s", float("nan")),
        ("image_size", 0),
        ("image_size", 100_000),
        ("colormap", "no such"),
        ("db_range", (0, 0)),
        ("db_range", (5, -5)),
        ("db_range", (float("nan"), 1)),
        ("db_range", (0, float("inf"))),
        ("fft_points", 1024),
    ],
)
def test_stft_settings_settings_out_of_bounds_are_refused_by_name(field, value):
    with pytest.raises(ValidationError, match=field):
        StftSettings(**{field: value})


def test_stft_settings_a_natural_size_beyond_any_image_format_is_refused():
    with pytest.raises(ValidationError, match="image_size"):
        StftSettings(style="peak", image_size=None, duration_s=10)


def test_stft_settings_settings_survive_a_round_trip_and_cannot_be_changed():
    settings = StftSettings(db_range=(-80, -10), image_size=None)
    assert StftSettings.model_validate(settings.model_dump(mode="json")) == settings
    with pytest.raises(ValidationError):
        setattr(settings, "stft_points", 1)  # noqa: B010  (mypy refuses the plain assignment, too)
