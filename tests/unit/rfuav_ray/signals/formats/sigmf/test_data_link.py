"""Links to samples, and metadata without them."""

import h5py
import numpy as np
import pytest
import sigmf
from scipy.io import savemat

from rfuav_ray.signals.formats.int24 import Int24Samples
from rfuav_ray.signals.formats.sigmf.data_link import datatype_of, link_data
from rfuav_ray.signals.recordings import Recording, open_recording
from rfuav_ray.signals.stored_samples import RawSamples, raw_samples
from tests.support.sigmf_annotations import annotate
from tests.support.sigmf_files import SAMPLES

IQ = np.tile(SAMPLES, 100)
COLUMNS = np.stack([IQ.real, IQ.imag], axis=1)


def csv(folder):
    np.savetxt(folder / "a.csv", COLUMNS, delimiter=",")
    return open_recording(folder / "a.csv")


def hdf5(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file["iq"] = IQ
    return open_recording(folder / "a.h5")


def mat(folder):
    savemat(folder / "a.mat", {"iq": IQ})
    return open_recording(folder / "a.mat")


def npy(folder, values):
    np.save(folder / "a.npy", values)
    return open_recording(folder / "a.npy")


def int24(folder):
    (folder / "a.wav").write_bytes(bytes(600))
    return Recording(folder / "a.wav", 1e6, "int24", Int24Samples(folder / "a.wav", 100, False, 0))


UNLINKED = {
    "csv": (csv, "cf32_le"),
    "HDF5": (hdf5, "cf32_le"),
    "mat": (mat, "cf32_le"),
    "planar": (lambda folder: npy(folder, np.ascontiguousarray(COLUMNS.T * 100, ">i2")), "ci16_be"),
    "float16": (lambda folder: npy(folder, COLUMNS.astype("f2")), "cf32_le"),
    "int24": (int24, "rf32_le"),
}


@pytest.mark.parametrize("kind", UNLINKED)
def test_link_samples_that_sigmf_cannot_describe_have_none(tmp_path, kind):
    make, datatype = UNLINKED[kind]
    (tmp_path / "in").mkdir()
    recording = make(tmp_path / "in")
    path = tmp_path / "results/x.sigmf-meta"
    content, reason = annotate(recording, path)
    name = recording.path.name
    assert reason == f"x.sigmf-meta holds metadata only: SigMF cannot describe how {name} stores its samples."
    assert content["global"]["core:metadata_only"] is True
    assert content["global"]["core:datatype"] == datatype
    assert [one.name for one in path.parent.iterdir()] == ["x.sigmf-meta"]
    assert len(sigmf.fromfile(path).get_annotations()) == 2


@pytest.mark.parametrize("value", ["f4", "f8", "i4", "i2", "u4", "u2"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_complex", [True, False])
def test_link_datatypes_are_sigmfs(tmp_path, value, order, is_complex):
    name = f"{'c' if is_complex else 'r'}{value[0]}{8 * int(value[1])}{'_le' if order == '<' else '_be'}"
    assert datatype_of(RawSamples(tmp_path, order + value, is_complex, 0, 1)) == name


def test_link_datatypes_of_one_byte_have_no_order(tmp_path):
    assert datatype_of(RawSamples(tmp_path, "|u1", True, 0, 1)) == "cu8"
    assert datatype_of(RawSamples(tmp_path, "|i1", False, 0, 1)) == "ri8"


def samples_in(folder, *, header_bytes=0):
    data = folder / "a.iq"
    data.write_bytes(bytes(header_bytes) + IQ.tobytes())
    return raw_samples(data, "<f4", skipped_bytes=header_bytes)


def test_link_a_file_of_its_name_is_never_replaced(tmp_path):
    (tmp_path / "x.sigmf-data").write_text("of somebody else")
    link = link_data(tmp_path / "x.sigmf-meta", samples_in(tmp_path))
    assert link.fields == {"core:metadata_only": True}
    assert link.obstacle == "x.sigmf-data is there already and no link"
    assert (tmp_path / "x.sigmf-data").read_text() == "of somebody else"


def test_link_of_an_earlier_run_goes_if_it_is_no_longer_true(tmp_path):
    link_data(tmp_path / "x.sigmf-meta", samples_in(tmp_path))
    assert (tmp_path / "x.sigmf-data").is_symlink()
    link = link_data(tmp_path / "x.sigmf-meta", samples_in(tmp_path, header_bytes=8))
    assert (link.fields, link.header_bytes) == ({"core:dataset": "x.iq", "core:trailing_bytes": 0}, 8)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.iq", "x.iq"]


def test_link_of_an_earlier_run_that_leads_nowhere_is_replaced(tmp_path):
    (tmp_path / "x.sigmf-data").symlink_to(tmp_path / "gone")
    assert link_data(tmp_path / "x.sigmf-meta", samples_in(tmp_path)).obstacle is None
    assert (tmp_path / "x.sigmf-data").read_bytes() == IQ.tobytes()


def test_link_leads_to_the_data_not_to_another_link(tmp_path):
    samples = samples_in(tmp_path)
    (tmp_path / "b.iq").symlink_to("a.iq")
    link_data(tmp_path / "x.sigmf-meta", raw_samples(tmp_path / "b.iq", "<f4"))
    assert (tmp_path / "x.sigmf-data").readlink() == samples.path.resolve()


def test_link_without_the_data_is_not_made(tmp_path):
    samples = samples_in(tmp_path)
    samples.path.unlink()
    link = link_data(tmp_path / "x.sigmf-meta", samples)
    assert link.obstacle == "a.iq cannot be linked: No such file or directory"
    assert list(tmp_path.iterdir()) == []


def test_link_that_the_file_system_refuses_is_not_made(tmp_path):
    data = tmp_path / f"a.{'s' * 240}"
    data.write_bytes(bytes(9))
    link = link_data(tmp_path / f"{'x' * 200}.sigmf-meta", raw_samples(data, "<f4"))
    assert link.fields == {"core:metadata_only": True}
    assert link.obstacle == f"{data.name} cannot be linked: File name too long"
    assert list(tmp_path.iterdir()) == [data]
