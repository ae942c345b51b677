"""What the SigMF metadata of a recording say stays, as far as it is valid and true of the linked samples."""

import hashlib
import json
from typing import Any

import pytest
import sigmf

from rfuav_ray.signals.recordings import open_recording
from tests.support.iq_samples import interleaved
from tests.support.sigmf_annotations import FOUND, annotate
from tests.support.sigmf_files import FREQUENCY_HZ, SAMPLES, write
from tests.unit.rfuav_ray.signals.formats.sigmf.test_archive import META, pack, pair

FREQUENCY = "core:frequency"
START = "core:sample_start"
DATA = interleaved(SAMPLES)
OURS = ["no drone", "DJI AVATA2"]


def original(folder, *, annotations=(), captures=None, **fields):
    """Metadata with 4 samples, opened."""
    (folder / "in").mkdir()
    path = write(folder / "in", DATA, "cf32_le", captures=captures, **fields)
    content = json.loads(path.read_bytes())
    content["global"] |= {"antenna:type": "dipole"}
    content["annotations"] = list(annotations) if isinstance(annotations, tuple) else annotations
    path.write_text(json.dumps(content))
    return path


def restated(folder, path, **asked):
    content, reason = annotate(open_recording(path, **asked), folder / "results/x.sigmf-meta")
    assert reason is None
    return content


def test_restated_metadata_keep_what_the_original_says(tmp_path):
    extensions = [{"name": "antenna", "version": "1.0.0", "optional": True}]
    captures: list[dict[str, Any]] = [
        {START: 0, FREQUENCY: 2440000000, "core:datetime": "2024-01-01T12:00:00Z", "core:header_bytes": 0},
        {START: 2, FREQUENCY: 2450000000, "antenna:azimuth_angle": 90},
    ]
    said = {
        "author": "A. Müller",
        "hw": "USRP",
        "description": "无人机",
        "recorder": "GNU Radio",
        "collection": "c",
    }
    path = original(tmp_path, captures=captures, sample_rate=20000000, extensions=extensions, **said)
    content = restated(tmp_path, path)
    assert content["global"] == {
        **{f"core:{key}": value for key, value in said.items()},
        "core:extensions": extensions,
        "antenna:type": "dipole",
        "core:datatype": "cf32_le",
        "core:sample_rate": 20000000,
        "core:version": sigmf.__specification__,
    }
    del captures[0]["core:header_bytes"]
    assert content["captures"] == captures
    # Integers are written as integers.
    text = (tmp_path / "results/x.sigmf-meta").read_text()
    assert '"core:sample_rate": 20000000,' in text
    assert '"core:frequency": 2440000000,' in text


def test_restated_annotations_of_the_original_come_first(tmp_path):
    own = ({START: 3}, {START: 0, "core:label": "seen by eye", "antenna:x": 1}, {START: 2, "core:sample_count": 1})
    content = restated(tmp_path, original(tmp_path, annotations=own))
    assert [(one[START], one.get("core:label")) for one in content["annotations"]] == [
        (0, "seen by eye"),
        (0, "no drone"),
        (2, None),
        (2, "DJI AVATA2"),
        (3, None),
    ]


def test_restated_starts_are_counted_from_the_offset_of_the_original(tmp_path):
    path = original(
        tmp_path,
        offset=1000,
        captures=[{START: 1002, FREQUENCY: 2.44e9}],
        annotations=({START: 1001, "core:label": "seen by eye"},),
    )
    content = restated(tmp_path, path)
    assert content["global"]["core:offset"] == 1000
    assert content["captures"] == [{START: 1000}, {START: 1002, FREQUENCY: 2.44e9}]
    assert [one[START] for one in content["annotations"]] == [1000, 1001, 1002]
    again = open_recording(tmp_path / "results/x.sigmf-meta")
    assert again.captures == open_recording(path).captures


def test_restated_rate_and_frequency_are_those_that_were_used(tmp_path):
    path = original(
        tmp_path, captures=[{START: 0, FREQUENCY: 1e9}, {START: 2, FREQUENCY: 2e9, "core:comment": "a"}]
    )
    content = restated(tmp_path, path, sample_rate_hz=1e6, center_frequency_hz=5.8e9)
    assert content["global"]["core:sample_rate"] == 1e6
    assert [one[FREQUENCY] for one in content["captures"]] == [5.8e9, 5.8e9]
    assert content["captures"][1]["core:comment"] == "a"


def test_restated_captures_without_a_frequency_have_none(tmp_path):
    captures = [{START: 0, FREQUENCY: 1e9}, {START: 1}, {START: 2, FREQUENCY: 1e9}]
    assert restated(tmp_path, original(tmp_path, captures=captures))["captures"] == captures


def test_restated_captures_are_sorted(tmp_path):
    captures = [{START: 2, FREQUENCY: 2e9}, {START: 0, FREQUENCY: 1e9, "core:datetime": "2024-01-01T12:00:00Z"}]
    assert restated(tmp_path, original(tmp_path, captures=captures))["captures"] == captures[::-1]


@pytest.mark.parametrize(
    "broken",
    [
        {"author": 5},
        {"extensions": [{"name": "a"}]},
        {"offset": "7"},
        {"license": float("nan")},
        {"geolocation": []},
    ],
)
def test_restated_global_objects_that_break_the_schema_are_left_out(tmp_path, broken):
    own = ({START: 0, "core:label": "seen by eye"},)
    content = restated(tmp_path, original(tmp_path, annotations=own, **broken))
    assert content["global"] == {
        "core:datatype": "cf32_le",
        "core:recorder": "rfuav-ray 0.2.0",
        "core:sample_rate": 20e6,
        "core:version": sigmf.__specification__,
    }
    assert [one.get("core:label") for one in content["annotations"]] == ["seen by eye", *OURS]


@pytest.mark.parametrize(
    "broken",
    [
        [{START: 0, FREQUENCY: FREQUENCY_HZ, "core:datetime": 5}],
        [{START: 0, FREQUENCY: FREQUENCY_HZ}, {START: "a"}],
        [{START: 0, FREQUENCY: FREQUENCY_HZ}, {"core:comment": "no start"}],
        [{START: 0, FREQUENCY: FREQUENCY_HZ}, {START: 1, FREQUENCY: FREQUENCY_HZ, "x": float("inf")}],
    ],
)
def test_restated_captures_that_break_the_schema_are_those_that_were_read(tmp_path, broken):
    content = restated(tmp_path, original(tmp_path, captures=broken, author="A"))
    assert content["captures"] == [{START: 0, FREQUENCY: FREQUENCY_HZ}]
    assert content["global"]["core:author"] == "A"


@pytest.mark.parametrize(
    "broken",
    [
        None,
        5,
        {},
        "text",
        [5],
        [{}],
        [{START: -1}],
        [{START: 0, "core:label": 5}],
        [{START: 0, "x": float("nan")}],
    ],
)
def test_restated_annotations_that_break_the_schema_are_left_out(tmp_path, broken):
    content = restated(tmp_path, original(tmp_path, annotations=broken))
    assert [one["core:label"] for one in content["annotations"]] == OURS
    assert content["global"]["antenna:type"] == "dipole"


@pytest.mark.parametrize("is_right", [True, False])
def test_restated_checksums_are_kept_if_they_are_right(tmp_path, is_right):
    right = hashlib.sha512(DATA.tobytes()).hexdigest()
    path = original(tmp_path, sha512=right.upper() if is_right else "0" * 128)
    content = restated(tmp_path, path)
    assert content["global"].get("core:sha512") == (right if is_right else None)
    sigmf.fromfile(tmp_path / "results/x.sigmf-meta")


def test_restated_metadata_of_an_archive(tmp_path):
    (tmp_path / "in").mkdir()
    checksum = hashlib.sha512(DATA.tobytes()).hexdigest()
    fields = {"core:datatype": "cf32_le", "core:version": "1.2.0", "core:author": "A", "core:sha512": checksum}
    metadata = {**META, "global": fields}
    path = pack(tmp_path / "in/a.sigmf", pair("a", metadata=metadata, data=DATA.tobytes()))
    content = restated(tmp_path, path)
    assert content["global"]["core:author"] == "A"
    assert "core:sha512" not in content["global"]
    assert content["captures"][0][FREQUENCY] == 915e6
    assert content["captures"][0]["core:header_bytes"] % 512 == 0


def test_restated_metadata_that_are_gone_are_not_missed(tmp_path):
    path = original(tmp_path)
    recording = open_recording(path)
    path.unlink()
    content, reason = annotate(recording, tmp_path / "x.sigmf-meta", found=FOUND)
    assert reason is None
    assert content["captures"] == [{START: 0, FREQUENCY: FREQUENCY_HZ}]
