import os

import pytest

from rfuav_ray.api import folder_listing
from rfuav_ray.api.folder_listing import list_folder
from rfuav_ray.errors import InvalidInput, PathNotAllowed


@pytest.fixture
def root(tmp_path):
    """With a folder, two files, a hidden one and a link to nowhere."""
    root = (tmp_path / "root").resolve()
    (root / "b-folder").mkdir(parents=True)
    (root / "A.yaml").write_text("abc")
    (root / "a.pth").write_text("")
    (root / ".hidden").mkdir()
    (root / "nowhere").symlink_to("gone")
    return root


def shown(answer):
    return [(entry.name, entry.kind, entry.size_bytes) for entry in answer.entries]


def test_folder_listing_folders_come_first_then_files_by_name(root):
    answer = list_folder(str(root), (root,))
    assert shown(answer) == [("b-folder", "folder", None), ("a.pth", "file", 0), ("A.yaml", "file", 3)]
    assert answer.is_complete and answer.path == str(root)


def test_folder_listing_without_a_path_the_roots_are_listed(root, tmp_path):
    answer = list_folder("", (root, tmp_path))
    assert [entry.path for entry in answer.entries] == [str(root), str(tmp_path)]
    assert answer.path is None and answer.parent is None


def test_folder_listing_above_a_root_there_is_nothing(root):
    assert list_folder(str(root), (root,)).parent is None
    assert list_folder(str(root / "b-folder"), (root,)).parent == str(root)


def test_folder_listing_a_relative_path_starts_at_the_first_root(root):
    assert list_folder("b-folder", (root,)).path == str(root / "b-folder")


def test_folder_listing_what_is_outside_of_the_roots_is_refused(root):
    (root / "out").symlink_to("/etc")
    for path in ("/etc", "..", "out"):
        with pytest.raises(PathNotAllowed):
            list_folder(path, (root,))


@pytest.mark.parametrize(("path", "reason"), [("A.yaml", "is a file"), ("gone", "there is no file or folder")])
def test_folder_listing_what_is_no_folder_is_refused(root, path, reason):
    with pytest.raises(InvalidInput, match=reason):
        list_folder(path, (root,))


def test_folder_listing_a_name_that_is_no_text_is_left_out(root):
    os.mkdir(os.fsencode(root) + b"/\xff")  # noqa: PTH102
    assert "b-folder" in [name for name, _, _ in shown(list_folder(str(root), (root,)))]


def test_folder_listing_of_a_crowd_so_many_are_listed(root, monkeypatch):
    monkeypatch.setattr(folder_listing, "MAX_ENTRIES", 2)
    answer = list_folder(str(root), (root,))
    assert [name for name, _, _ in shown(answer)] == ["b-folder", "a.pth"] and not answer.is_complete
