import pytest

from rfuav_ray.demo.data import CENTER_FREQUENCY_HZ, CLASSES, STFT, make_recordings
from rfuav_ray.signals.recordings import is_recording, open_recording
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.spectrogram import iter_spectrograms, spectrogram_count


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = list(make_recordings(folder, {"known": 2, "unseen": 1}))
    assert done == list(range(1, 3 * len(CLASSES) + 1))
    return folder


@pytest.mark.parametrize(("part", "count", "spectrograms"), [("known", 2, 2), ("unseen", 1, 1)])
def test_data_each_part_has_its_recordings_of_each_class(folder, part, count, spectrograms):
    assert sorted(path.name for path in (folder / part).iterdir()) == sorted(CLASSES)
    for name in CLASSES:
        found = [path for path in (folder / part / name).iterdir() if is_recording(path)]
        assert len(found) == count
        assert all(spectrogram_count(open_recording(path), STFT) == spectrograms for path in found)


def test_data_no_two_recordings_are_the_same(folder):
    contents = {path.read_bytes() for path in folder.rglob("*.sigmf-data")}
    assert len(contents) == 3 * len(CLASSES)


def test_data_a_recording_says_how_it_was_made_and_looks_like_its_scene(folder):
    recording = open_recording(sorted((folder / "unseen" / CLASSES[0]).glob("*.sigmf-meta"))[0])
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (20e6, CENTER_FREQUENCY_HZ)
    assert recording.data_type == "int8"
    scene = simulate(CLASSES[0], duration_s=0.02, sample_rate_hz=20e6, snr_db=7.5, seed=10_000)
    # Rounded to steps of 1/127.
    assert abs(recording.read(0, recording.sample_count) - scene).max() < 0.01
    assert next(iter_spectrograms(recording, STFT)).image.shape == (STFT.image_size, STFT.image_size, 3)
