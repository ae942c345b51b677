"""What a task says about the recordings that it draws, and what dataset.yaml says of them."""

import hashlib
import json

import numpy as np
import pytest
import yaml

from preprocessing.dataset_file import dataset_file
from preprocessing.folders import stft_settings_of
from preprocessing.found_recordings import look_at
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.signals.finding import asked_of, recordings_in
from rfuav_ray.walk import LeftOut, tell_left_out
from tests.support.sigmf_files import write
from tests.support.signals import noise


@pytest.fixture
def look(tmp_path):
    """Look at all recordings of the folder. Returns what was found, what was unusable, and the events."""

    def look_at_folder(**fields):
        fields = {"duration_s": 0.01, "stft_points": 64, **fields}
        request = SpectrogramRequest(input_path=str(tmp_path), output_path="b", **fields)
        events = []
        settings = stft_settings_of(request)
        left_out = LeftOut()
        paths = recordings_in(tmp_path, left_out=left_out)
        tell_left_out([(tmp_path, left_out)], events.append)
        found, unusable = look_at(paths, tmp_path, settings, asked_of(request), events.append)
        card = yaml.safe_load(dataset_file(str(tmp_path), settings, found)) if found else None
        return found, unusable, [(event.level, event.message) for event in events if event.message], card

    return look_at_folder


def raw(path, count=30_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise(count).astype("<c8").tofile(path)


def test_found_recordings_a_rate_that_nobody_states_is_assumed_and_told_once_for_all(look, tmp_path):
    for number in range(7):
        raw(tmp_path / f"{number}.iq", 2_000_000)
    found, _, events, card = look()
    assert {one.settings.sample_rate_hz for one in found} == {100e6} == {card["stft"]["sample_rate_hz"]}
    ((level, message),) = events
    assert level == "WARNING"
    assert message.startswith("7 recordings ('0.iq', '1.iq', ") and "and 2 more" in message
    assert "100 MS/s are assumed" in message


def test_found_recordings_the_rate_of_the_request_wins_and_that_is_said(look, tmp_path):
    write(tmp_path, noise(30_000), "cf32_le", sample_rate=2e6)
    (one,), _, events, card = look(sample_rate_hz=1e6)
    assert one.spectrogram_count == 3 and card["stft"]["sample_rate_hz"] == 1e6
    ((level, message),) = events
    assert level == "WARNING" and "a.sigmf-meta" in message and "sample_rate_hz" in message


def test_found_recordings_different_rates_are_a_warning_and_no_common_rate_is_noted(look, tmp_path):
    for number, rate_hz in enumerate((20e6, 50e6)):
        write(tmp_path, noise(600_000), "cf32_le", name=str(number), sample_rate=rate_hz)
    _, _, events, card = look()
    ((level, message),) = events
    assert level == "WARNING" and "different sample rates" in message
    assert "20 MS/s: '0.sigmf-meta'; 50 MS/s: '1.sigmf-meta'" in message
    assert "sample_rate_hz" not in card["stft"]
    assert [one["sample_rate_hz"] for one in card["recordings"]] == [20e6, 50e6]


def test_found_recordings_each_spectrogram_has_the_frequency_of_its_capture(look, tmp_path):
    captures = [
        {"core:sample_start": 0, "core:frequency": 2.4e9},
        {"core:sample_start": 10_000, "core:frequency": 5.8e9},
    ]
    write(tmp_path, noise(40_000), "cf32_le", sample_rate=1e6, captures=captures)
    _, _, events, card = look()
    assert events == []
    (facts,) = card["recordings"]
    assert facts["center_frequency_hz"] == 2.4e9
    assert facts["center_frequencies"] == [
        {"first_picture": 0, "center_frequency_hz": 2.4e9},
        {"first_picture": 1, "center_frequency_hz": 5.8e9},
    ]


def test_found_recordings_a_checksum_that_differs_is_a_warning(look, tmp_path):
    path = write(tmp_path, noise(30_000), "cf32_le", sample_rate=1e6)
    metadata = json.loads(path.read_text())
    data = path.with_suffix(".sigmf-data").read_bytes()
    for digest, count in ((hashlib.sha512(data).hexdigest(), 0), ("0" * 128, 1)):
        metadata["global"]["core:sha512"] = digest
        path.write_text(json.dumps(metadata))
        found, _, events, _ = look()
        assert len(found) == 1
        assert [level for level, _ in events] == ["WARNING"] * count


def test_found_recordings_what_the_walk_leaves_out_is_named(look, tmp_path):
    write(tmp_path, noise(30_000), "cf32_le", sample_rate=1e6)
    (tmp_path / "a.xml").write_text("<p/>")
    (tmp_path / "dataset.yaml").touch()
    (tmp_path / "photo.jpg").touch()
    (tmp_path / "sub").mkdir()
    raw(tmp_path / "sub" / ".hidden.iq")
    _, _, events, _ = look()
    (message,) = [text for _, text in events if "not used" in text]
    assert "2 files or folders" in message and "photo.jpg" in message and ".hidden.iq" in message


def test_found_recordings_linked_folders_are_read_once_and_loops_end(look, tmp_path):
    raw(tmp_path / "store" / "a.iq", 2_000_000)
    (tmp_path / "linked").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "loop").symlink_to(tmp_path)
    found, _, _, _ = look()
    assert [one.name for one in found] == ["store/a.iq"]


def test_found_recordings_unusable_ones_have_their_reason(look, tmp_path):
    raw(tmp_path / "good.iq", 2_000_000)
    raw(tmp_path / "short.iq", 100)
    (tmp_path / "x.bin").write_bytes(bytes(80_000))
    found, unusable, events, _ = look()
    assert [one.name for one in found] == ["good.iq"]
    # It is too short at the assumed rate.
    assert any("'short.iq'" in message and "100 MS/s are assumed" in message for _, message in events)
    assert [name for name, _ in unusable] == ["short.iq", "x.bin"]
    assert "100 samples" in unusable[0][1] and "data_type" in unusable[1][1]


def test_found_recordings_one_type_for_files_without_a_header_does_not_hide_those_with_one(look, tmp_path):
    np.zeros(60_000, np.uint8).tofile(tmp_path / "a.bin")
    write(tmp_path, noise(30_000), "cf32_le", sample_rate=1e6)
    found, unusable, events, _ = look(data_type="uint8", sample_rate_hz=1e6)
    assert len(found) == 2 and not unusable
    assert any("data_type 'uint8' is not used" in message for _, message in events)
