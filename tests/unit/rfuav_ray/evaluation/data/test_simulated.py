"""Unknown signals are simulated as the model draws its recordings."""

from typing import cast

import numpy as np
import pytest

from rfuav_ray.evaluation.data.files import UNKNOWN
from rfuav_ray.evaluation.data.simulated import SCENES, SimulatedSamples, unknown_signals
from rfuav_ray.inference.windows import RecordingSource, Window
from rfuav_ray.models.recording_settings import RecordingSettings
from rfuav_ray.signals.description import Asked
from rfuav_ray.signals.simulation.scene import UNKNOWN_KINDS
from tests.support.evaluation_runs import RATE_HZ, SETTINGS


def settings(**changes):
    asked = Asked(None, None, None, False, None)
    return RecordingSettings(SETTINGS.model_copy(update=changes), RATE_HZ, asked, "resample")


def test_simulated_signals_of_each_kind_are_drawn():
    found = unknown_signals(settings())
    assert len(found) == SCENES * len(UNKNOWN_KINDS) and {one.label for one in found} == {UNKNOWN}
    windows = [Window(cast("RecordingSource", one.source), 0) for one in found[: len(UNKNOWN_KINDS)]]
    pictures = [np.array(window.draw(32).image) for window in windows]
    assert all(picture.shape == (32, 32, 3) for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize("kind", UNKNOWN_KINDS)
def test_simulated_samples_are_the_same_in_any_parts(kind):
    whole = SimulatedSamples(kind, 3, 5000, 1e6).stored(0, 5000)
    other = SimulatedSamples(kind, 4, 5000, 1e6)
    parts = []
    for start in (0, 2500):
        other.stored(0, 10)  # something else in between
        parts.append(SimulatedSamples(kind, 3, 5000, 1e6).stored(start, 2500))
    assert np.array_equal(whole, np.concatenate(parts))


def test_simulated_signals_need_a_rate_and_a_window_of_bounded_size():
    asked = Asked(None, None, None, False, None)
    assert unknown_signals(RecordingSettings(SETTINGS, None, asked, "resample")) == []
    assert unknown_signals(settings(duration_s=100.0)) == []
