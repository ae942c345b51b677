"""Recordings in SigMF archives."""

import io
import json
import tarfile

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import is_recording, open_recording
from tests.support.iq_samples import SAMPLES, interleaved

META = {
    "global": {"core:datatype": "cf32_le", "core:sample_rate": 2e6, "core:version": "1.2.0"},
    "captures": [{"core:sample_start": 0, "core:frequency": 915e6}],
    "annotations": [],
}
DATA = interleaved(SAMPLES).tobytes()


def pack(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def pair(name, metadata=META, data=DATA):
    return {f"{name}.sigmf-meta": json.dumps(metadata).encode(), f"{name}.sigmf-data": data}


@pytest.mark.parametrize("members", [pair("a/a"), pair("b"), {**pair("a/a"), "a/readme.txt": b"text"}])
def test_archive_is_read_in_place(tmp_path, members):
    path = pack(tmp_path / "x.sigmf", members)
    recording = open_recording(path)
    assert is_recording(path)
    assert (recording.path, recording.samples.path) == (path, path)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (2e6, 915e6)
    np.testing.assert_array_equal(recording.read(1, 3), SAMPLES[1:])


def test_archive_of_several_recordings_is_refused_with_their_names(tmp_path):
    path = pack(tmp_path / "x.sigmf", pair("a/a") | pair("b/b"))
    with pytest.raises(RunError, match=r"several recordings \(a/a\.sigmf-meta, b/b\.sigmf-meta\); unpack it"):
        open_recording(path)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_archive_that_is_compressed_is_refused(tmp_path, kind):
    path = pack(tmp_path / "x.sigmf", pair("a"), f"w:{kind}")
    with pytest.raises(RunError, match=r"x\.sigmf: this is an? \w+ file.*decompress it"):
        open_recording(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.txt": b"text"}, "no .sigmf-meta"),
        (pair("../a"), "no .sigmf-meta"),
        (pair("/a"), "no .sigmf-meta"),
        ({"a.sigmf-meta": json.dumps(META).encode()}, "lacks a.sigmf-data"),
        (pair("a", metadata={"global": {}}), r"x\.sigmf/a\.sigmf-meta: core:datatype is missing"),
        (pair("a", data=b"1"), "no samples"),
    ],
)
def test_archive_without_a_recording_is_refused(tmp_path, members, message):
    with pytest.raises(RunError, match=message):
        open_recording(pack(tmp_path / "x.sigmf", members))


def test_archive_that_is_cut_off_is_read_up_to_there(tmp_path):
    path = pack(tmp_path / "x.sigmf", pair("a", data=interleaved(np.tile(SAMPLES, 1000)).tobytes()))
    path.write_bytes(path.read_bytes()[:20_000])
    recording = open_recording(path)
    assert len(recording.read(0, recording.sample_count)) == recording.sample_count < 4000
    assert "cut off" in recording.notes[-1].message


def test_archive_that_is_something_else_is_refused(tmp_path):
    (tmp_path / "x.sigmf").write_bytes(DATA * 100)
    with pytest.raises(RunError, match=r"x\.sigmf: cannot be read as SigMF archive"):
        open_recording(tmp_path / "x.sigmf")
