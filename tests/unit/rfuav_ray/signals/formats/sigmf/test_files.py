"""Which files belong together, and which of them a walk over a folder counts."""

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import is_recording, open_recording
from tests.support.iq_samples import interleaved
from tests.support.sigmf_files import SAMPLES, write, write_metadata


def counted(folder):
    return {path.name for path in folder.iterdir() if is_recording(path)}


def write_iq(path):
    path.write_bytes(interleaved(SAMPLES * 32767, "<i2").tobytes())


def test_files_data_without_metadata_are_counted_so_that_the_mistake_comes_up(tmp_path):
    path = tmp_path / "lost.sigmf-data"
    with pytest.raises(RunError, match="no such file"):
        open_recording(path)
    path.write_bytes(interleaved(SAMPLES).tobytes())
    assert is_recording(path)
    with pytest.raises(RunError, match=r"lost\.sigmf-data: the metadata file is missing.*lost\.sigmf-meta"):
        open_recording(path)
    write_metadata(tmp_path, name="lost")
    assert not is_recording(path)


@pytest.mark.parametrize(
    ("meta", "data"),
    [("a.sigmf-meta", "a.sigmf-data"), ("A.SIGMF-META", "A.SIGMF-DATA"), ("a.SigMF-meta", "a.SigMF-data")],
)
def test_files_a_walk_counts_a_pair_once_however_it_is_spelled(tmp_path, meta, data):
    write(tmp_path, interleaved(SAMPLES), "cf32_le", name="written")
    (tmp_path / "written.sigmf-meta").rename(tmp_path / meta)
    (tmp_path / "written.sigmf-data").rename(tmp_path / data)
    assert [path.name for path in tmp_path.iterdir() if is_recording(path)] == [meta]
    for name in (meta, data):
        np.testing.assert_array_equal(open_recording(tmp_path / name).read(0, 4), SAMPLES)
    assert not is_recording(tmp_path / ".a.sigmf-meta")


def test_files_a_walk_counts_other_files_that_metadata_name_as_their_data_once(tmp_path):
    write_metadata(tmp_path, name="one", dataset="one.iq")
    write(tmp_path, interleaved(SAMPLES), "cf32_le", name="two")
    (tmp_path / "broken.sigmf-meta").write_text("x")
    for name in ("one.iq", "two.iq", "broken.iq"):
        (tmp_path / name).write_bytes(interleaved(SAMPLES).tobytes())
    assert counted(tmp_path) == {"one.sigmf-meta", "two.sigmf-meta", "two.iq", "broken.sigmf-meta", "broken.iq"}


@pytest.mark.parametrize(
    ("name", "data"),
    [("q", "q.iq"), ("x.iq", "x.iq"), ("r", "r.wav"), ("notes", "other.dat"), ("p2", "p.sigmf-data")],
)
def test_files_data_that_metadata_name_count_once_and_open_by_either_name(tmp_path, name, data):
    write_metadata(tmp_path, "ci16_le", name=name, dataset=data)
    write_iq(tmp_path / data)
    assert counted(tmp_path) == {f"{name}.sigmf-meta"}
    recording = open_recording(tmp_path / data)
    assert recording.path == tmp_path / f"{name}.sigmf-meta"
    assert (recording.sample_rate_hz, recording.data_type, recording.sample_count) == (20e6, "int16", 4)
    assert [(note.level, note.message) for note in recording.notes] == [
        ("INFO", f"its metadata are {name}.sigmf-meta")
    ]
    assert open_recording(recording.path).notes == ()


def test_files_metadata_named_after_their_data_need_not_name_them(tmp_path):
    write_metadata(tmp_path, "ci16_le", name="x.iq")
    write_iq(tmp_path / "x.iq")
    assert counted(tmp_path) == {"x.iq.sigmf-meta"}
    assert open_recording(tmp_path / "x.iq.sigmf-meta").data_type == "int16"


def test_files_of_several_metadata_of_the_same_data_one_counts(tmp_path):
    write_iq(tmp_path / "q.iq")
    for name in ("copy of q", "q", "z"):
        write_metadata(tmp_path, "ci16_le", name=name, dataset="q.iq")
    assert counted(tmp_path) == {"q.sigmf-meta"}
    note = open_recording(tmp_path / "q.iq").notes[-1]
    assert (note.level, note.message) == (
        "WARNING",
        "copy of q.sigmf-meta, z.sigmf-meta describe the same data; q.sigmf-meta is used",
    )


def test_files_data_whose_metadata_describe_others_are_counted_and_refused(tmp_path):
    write(tmp_path, interleaved(SAMPLES), "cf32_le", dataset="b.iq")
    write_iq(tmp_path / "b.iq")
    assert counted(tmp_path) == {"a.sigmf-meta", "a.sigmf-data"}
    with pytest.raises(RunError, match=r"a\.sigmf-data: a\.sigmf-meta describes 'b\.iq' instead"):
        open_recording(tmp_path / "a.sigmf-data")


def test_files_an_umlaut_may_be_one_character_or_two(tmp_path):
    write_metadata(tmp_path, "ci16_le", name="q", dataset="dr\u00f6ne.iq")
    write_iq(tmp_path / "dro\u0308ne.iq")
    assert counted(tmp_path) == {"q.sigmf-meta"}
    assert open_recording(tmp_path / "q.sigmf-meta").sample_count == 4


def test_files_a_name_counts_in_any_case(tmp_path):
    write_metadata(tmp_path, "ci16_le", name="q", dataset="q.iq")
    write_iq(tmp_path / "Q.IQ")
    assert counted(tmp_path) == {"q.sigmf-meta"}
    assert open_recording(tmp_path / "Q.IQ").data_type == "int16"


def test_files_compressed_data_are_refused(tmp_path):
    path = write_metadata(tmp_path, dataset="a.ci16.gz")
    write_iq(tmp_path / "a.ci16.gz")
    with pytest.raises(RunError, match=r"a\.sigmf-meta: its data, a\.ci16\.gz, are compressed"):
        open_recording(path)


def test_files_metadata_that_are_written_anew_claim_what_they_now_say(tmp_path):
    for name in ("one.iq", "two.iq"):
        write_iq(tmp_path / name)
    for name in ("one.iq", "two.iq", "one.iq"):
        write_metadata(tmp_path, "ci16_le", dataset=name)
        assert not is_recording(tmp_path / name)
        assert open_recording(tmp_path / "a.sigmf-meta").samples.path == tmp_path / name
