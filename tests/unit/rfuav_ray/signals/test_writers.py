import numpy as np

from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.writers import write_recording
from tests.support.signals import noise


def test_writers_a_recording_reads_back_as_it_was_written(tmp_path):
    samples = noise(1000)
    write_recording(tmp_path / "new" / "a.iq", samples)
    assert (tmp_path / "new" / "a.iq").stat().st_size == 8000
    np.testing.assert_array_equal(open_recording(tmp_path / "new" / "a.iq").read(0, 1000), samples)
