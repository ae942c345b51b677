"""Chunks of HDF5 files that would become huge in memory are refused before they are unpacked."""

import zlib

import h5py
import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import open_recording

SAMPLES = np.arange(5000).astype(np.complex64)


def write(path, compression=None, chunk=1000, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("iq", data=SAMPLES, chunks=(chunk,), compression=compression, **options)


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "fletcher32": True}], ids=["plain", "filters"])
@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_chunks_are_read(tmp_path, compression, options):
    path = tmp_path / "x.h5"
    write(path, compression, **options)
    assert (open_recording(path).read(900, 300) == SAMPLES[900:1200]).all()


def test_a_chunk_that_grows_beyond_its_size_is_refused(tmp_path):
    path = tmp_path / "x.h5"
    write(path, "gzip")
    with h5py.File(path, "r+") as file:
        file["iq"].id.write_direct_chunk((1000,), zlib.compress(bytes(300_000_000)))
    recording = open_recording(path)
    assert (recording.read(0, 1000) == SAMPLES[:1000]).all()
    with pytest.raises(RunError, match="larger than it may be"):
        recording.read(500, 1000)


def test_a_large_chunk_of_the_stated_size_is_read(tmp_path):
    path = tmp_path / "x.h5"
    samples = np.random.default_rng(0).normal(size=200_000).astype(np.complex64)
    with h5py.File(path, "w") as file:
        file.create_dataset("iq", data=samples, chunks=(200_000,), compression="gzip")
        assert file["iq"].id.get_storage_size() > 256_000  # else it is not looked into
    assert (open_recording(path).read(0, 200_000) == samples).all()


def test_chunks_of_gigabytes_are_refused(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("iq", (10**9,), np.complex64, chunks=(10**8,), compression="gzip")
    with pytest.raises(RunError, match="chunks"):
        open_recording(path)


def test_chunks_that_are_compressed_twice_are_refused(tmp_path):
    path = tmp_path / "x.h5"
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((1000,))
    settings.set_deflate(9)
    settings.set_deflate(9)
    with h5py.File(path, "w") as file:
        h5py.h5d.create(
            file.id, b"iq", h5py.h5t.py_create(SAMPLES.dtype), h5py.h5s.create_simple((5000,)), settings
        )
    with pytest.raises(RunError, match="twice"):
        open_recording(path)


def test_a_number_in_a_huge_chunk_is_not_read(tmp_path):
    path = tmp_path / "x.h5"
    write(path)
    with h5py.File(path, "r+") as file:
        rate = file.create_dataset("fs", (1,), "f8", maxshape=(None,), chunks=(10**8,), compression="gzip")
        file.create_dataset("fc", data=np.array([2.4e9]), chunks=(1,), compression="gzip")
        assert rate.shape == (1,)
    recording = open_recording(path)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (None, 2.4e9)


def test_empty_and_long_attributes_are_not_numbers(tmp_path):
    path = tmp_path / "x.h5"
    write(path)
    with h5py.File(path, "r+") as file:
        file["iq"].attrs["fs"] = h5py.Empty("f8")
        file["iq"].attrs["fc"] = np.ones(3)
        file.attrs["fs"] = 1e6
    recording = open_recording(path)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (1e6, None)
