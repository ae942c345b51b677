"""Opening files of users for reading."""

import os

import pytest

from rfuav_ray.file_access.reading import name_of_open, open_file, read_file
from rfuav_ray.file_access.roots import OutsideRoots, within


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "root"


@pytest.mark.parametrize("is_confined", [False, True])
def test_reading_takes_regular_files_alone(root, is_confined):
    (root / "file").write_text("data")
    os.mkfifo(root / "pipe")
    with within([root] if is_confined else []):
        assert read_file(root / "file", largest_bytes=4) == b"data"
        for name in ("pipe", "missing", "."):
            with pytest.raises(OSError):
                open_file(root / name)


def test_reading_follows_links_that_stay_inside(root):
    (root / "file").write_text("data")
    (root / "good").symlink_to(root / "file")
    (root / "bad").symlink_to(root.parent / "secret")
    (root / "folder").symlink_to(root.parent)
    with within([root]):
        assert read_file(root / "good", largest_bytes=10) == b"data"
        for path in (root / "bad", root / "folder" / "secret", root / ".." / "secret"):
            with pytest.raises(OutsideRoots):
                open_file(path)


def test_reading_refuses_a_large_file_before_it_reads_it(root):
    (root / "large").touch()
    os.truncate(root / "large", 10**12)
    with pytest.raises(OSError, match=r"larger than 1 MB \(1,000,000,000,000 bytes\)"):
        read_file(root / "large", largest_bytes=1_000_000)


def test_reading_a_library_gets_the_file_that_is_open(root):
    (root / "file").write_text("data")
    with within([root]), open_file(root / "file") as file:
        (root / "file").unlink()
        (root / "file").symlink_to(root.parent / "secret")
        with open(name_of_open(file, root / "file")) as again:  # noqa: PTH123
            assert again.read() == "data"
