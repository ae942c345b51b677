"""Making folders and files in them where others may write, too."""

import pytest

from rfuav_ray.file_access.folders import make_folder, open_folder, open_to_append, remove_file
from rfuav_ray.file_access.roots import OutsideRoots, within
from rfuav_ray.files import replacing, write_content, write_text


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("theirs")
    return tmp_path / "root"


@pytest.fixture(autouse=True)
def _within(root):
    with within([root]):
        yield


def assert_untouched(root):
    outside = root.parent / "outside"
    assert [(file.name, file.read_text()) for file in outside.iterdir()] == [("file", "theirs")]


def test_folders_are_made_inside_alone(root):
    make_folder(root / "a" / "b")
    make_folder(root / "a" / "b")
    assert (root / "a" / "b").is_dir()
    (root / "link").symlink_to(root.parent / "outside")
    (root / "nowhere").symlink_to(root.parent / "missing")
    for path in (root / "link", root / "link" / "c", root / "nowhere", root / "nowhere" / "c", root.parent / "d"):
        with pytest.raises(OSError):
            make_folder(path)
    assert_untouched(root)
    assert not (root.parent / "missing").exists()


def test_folders_a_file_replaces_a_link_and_does_not_follow_it(root):
    (root / "file").symlink_to(root.parent / "outside" / "file")
    write_text(root / "file", "ours")
    assert not (root / "file").is_symlink() and (root / "file").read_text() == "ours"
    assert_untouched(root)


def test_folders_one_that_becomes_a_link_while_a_file_is_written_stays_the_same(root):
    (root / "out").mkdir()
    with replacing(root / "out" / "file") as temporary:
        temporary.write_text("ours")
        (root / "out").rename(root / "before")
        (root / "out").symlink_to(root.parent / "outside")
    assert (root / "before" / "file").read_text() == "ours"
    with pytest.raises(OutsideRoots):
        write_content(root / "out" / "file", b"ours")
    assert_untouched(root)


def test_folders_errors_name_the_file_that_was_asked_for(root):
    (root / "file").write_text("")
    with pytest.raises(OSError) as error:
        write_text(root / "file" / "below", "text")
    assert str(root / "file") in str(error.value)


def test_folders_nothing_is_deleted_through_a_link(root):
    (root / "link").symlink_to(root.parent / "outside")
    with pytest.raises(OutsideRoots):
        remove_file(root / "link" / "file")
    remove_file(root / "missing" / "file")
    (root / "file").symlink_to(root.parent / "outside" / "file")
    remove_file(root / "file")
    assert not (root / "file").is_symlink()
    assert_untouched(root)


def test_folders_nothing_is_appended_through_a_link(root):
    (root / "log").symlink_to(root.parent / "outside" / "file")
    with pytest.raises(OSError):
        open_to_append(root / "log")
    with pytest.raises(FileNotFoundError):
        open_to_append(root / "new", create=False)
    with open_to_append(root / "new") as file:
        file.write(b"ours")
    with open_folder(root) as folder:
        assert (folder / "new").read_text() == "ours"
    assert_untouched(root)
