"""Other formats under the names of recordings."""

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from rfuav_ray.errors import RunError
from rfuav_ray.signals.formats.first_bytes import other_format
from rfuav_ray.signals.recordings import open_recording

NOISE = np.random.default_rng(0).standard_normal(8192).astype("<f4").tobytes()


def image(kind):
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, kind)
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.iq", NOISE)
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("x.iq")
        member.size = len(NOISE)
        archive.addfile(member, io.BytesIO(NOISE))
    return file.getvalue()


def saved_array():
    file = io.BytesIO()
    np.save(file, np.zeros(100))
    return file.getvalue()


FORMATS = {
    "gzip": gzip.compress(NOISE),
    "zip": zipped(),
    "bzip2": bz2.compress(NOISE),
    "xz": lzma.compress(NOISE),
    "zstd": b"\x28\xb5\x2f\xfd\x04" + NOISE,
    "7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + NOISE,
    "RAR": b"Rar!\x1a\x07\x01\x00" + NOISE,
    "tar": tarred(),
    "PNG": image("PNG"),
    "JPEG": image("JPEG"),
    "GIF": image("GIF"),
    "TIFF": image("TIFF"),
    "BMP": image("BMP"),
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + NOISE,
    "HDF5": b"\x89HDF\r\n\x1a\n" + NOISE,
    "MATLAB": b"MATLAB 5.0 MAT-file, Platform: PCWIN64".ljust(128) + NOISE,
    "NumPy": saved_array(),
    "WAV": b"RIFF\0\0\0\0WAVEfmt " + NOISE,
    "FLAC": b"fLaC\x00\x00\x00\x22" + NOISE,
    "Ogg": b"OggS\x00\x02" + NOISE,
    "MP3": b"ID3\x03\x00\x00\x00\x00\x10\x00" + NOISE,
    "MP4": b"\x00\x00\x00\x18ftypmp42" + NOISE,
    "Parquet": b"PAR1" + NOISE + b"PAR1",
    "pcap": b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + NOISE,
    "ELF": b"\x7fELF\x02\x01\x01" + NOISE,
    "pickle": b"\x80\x04\x95" + struct.pack("<Q", 100) + NOISE,
    "SigMF metadata": json.dumps({"global": {"core:datatype": "cf32_le"}}).encode(),
    "JSON": json.dumps({"device": "a", "frames": [1, 2, 3]}).encode(),
    "XML": b'<?xml version="1.0"?>\n<Drone><DataType>float</DataType></Drone>\n',
    "web page": b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
    "git lfs pull": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 320000\n",
    "text": b"".join(b"%.6f,%.6f\n" % (i / 9, -i / 7) for i in range(500)),
    "text file": "Zeit;Pegel;Größe\r\n1,5;2,5;3\r\n".encode() * 20,
}


@pytest.mark.parametrize("name", ["a.iq", "a.bin", "a.cs8", "a"])
@pytest.mark.parametrize("kind", FORMATS)
def test_first_bytes_of_another_format_are_refused_by_name(tmp_path, kind, name):
    (tmp_path / name).write_bytes(FORMATS[kind])
    with pytest.raises(RunError, match=rf"/{name}: this is .*{kind}.*[.]"):
        open_recording(tmp_path / name)


def test_first_bytes_of_a_database_are_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "a.dat")
    connection.execute("create table t (x)")
    connection.commit()
    connection.close()
    with pytest.raises(RunError, match="an SQLite database"):
        open_recording(tmp_path / "a.dat")


def test_first_bytes_of_a_suffix_that_is_none_of_recordings_are_named(tmp_path):
    (tmp_path / "a.iq.gz").write_bytes(FORMATS["gzip"])
    with pytest.raises(RunError, match="this is a gzip file, not samples; decompress it first"):
        open_recording(tmp_path / "a.iq.gz")


def test_first_bytes_of_compressed_sigmf_data_are_refused(tmp_path):
    (tmp_path / "t.ci16.gz").write_bytes(gzip.compress(NOISE) + b"\0" * 4)
    fields = {"core:datatype": "ci8", "core:version": "1.2.0", "core:dataset": "t.ci16.gz"}
    (tmp_path / "t.sigmf-meta").write_text(json.dumps({"global": fields, "captures": [], "annotations": []}))
    with pytest.raises(RunError, match=r"t\.ci16\.gz.*(gzip|compressed)"):
        open_recording(tmp_path / "t.sigmf-meta")


@pytest.mark.parametrize("kind", ["i1", "u1", "<i2", ">i2", "<f4"])
@pytest.mark.parametrize("level", [0.9, 0.3, 0.01, 0.001])
@pytest.mark.parametrize("offset", [0, -0.06, 0.4])
def test_first_bytes_of_samples_are_no_other_format(tmp_path, kind, level, offset):
    rng = np.random.default_rng(1)
    path = tmp_path / "a.iq"
    for length in (16, 64, 200, 10_000):
        values = rng.normal(offset, level / 3, length)
        if kind[-2] != "f":
            limits = np.iinfo(kind)
            scale = (limits.max - int(limits.min)) / 2
            values = np.clip(np.rint(values * scale + limits.max - scale), limits.min, limits.max)
        values.astype(kind).tofile(path)
        assert other_format(path) is None
        notes = open_recording(path, data_type="int8").notes
        assert not [note for note in notes if "text" in note.message]


def test_first_bytes_of_text_before_the_samples_are_told(tmp_path):
    (tmp_path / "a.iq").write_bytes(b"MYHEADER" * 8 + NOISE)
    (note,) = open_recording(tmp_path / "a.iq").notes
    assert note.level == "WARNING"
    assert "first 64 bytes are text" in note.message
