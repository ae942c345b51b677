"""Where a process may open files."""

import os

import pytest

from rfuav_ray.errors import PathNotAllowed
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.file_access.roots import OutsideRoots, confine, confined, roots_of_process, within
from rfuav_ray.paths import resolve


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    return tmp_path / "root"


def test_roots_without_any_every_file_can_be_opened(root):
    with within([]), open_file(root.parent / "outside" / "secret") as file:
        assert file.read() == b"secret"


def test_roots_end_with_their_block_and_those_of_a_process_never(root):
    with within([root]):
        assert roots_of_process() == (root,)
        with within([]):
            assert roots_of_process() == (root,)
    assert roots_of_process() == ()
    confine([root])
    confine([])
    assert roots_of_process() == (root,)


def test_roots_of_a_function_are_its_argument(root):
    @confined
    def opened(*, roots=()):
        open_file(root.parent / "outside" / "secret").close()

    opened()
    with pytest.raises(OutsideRoots, match="DATA_ROOTS"):
        opened(roots=[root])


def test_roots_a_name_that_begins_like_a_root_is_outside(root):
    (root.parent / "root-2").write_text("secret")
    with within([root]), pytest.raises(OutsideRoots):
        open_file(root.parent / "root-2")


def test_roots_the_root_of_all_files_holds_all_files(root):
    with within([root.parent.parent / "/"]), open_file(root.parent / "outside" / "secret") as file:
        assert file.read() == b"secret"


def test_roots_a_root_may_be_a_link_on_this_node_but_not_one_in_another_root(root):
    (root / "file").write_text("data")
    link = root.parent / "link"
    link.symlink_to(root)
    with within([link]):
        open_file(link / "file").close()
    inner = root / "inner"
    inner.symlink_to(root.parent / "outside")
    with within([root, inner]), pytest.raises(OutsideRoots):
        open_file(inner / "secret")


def test_roots_a_file_that_was_deleted_while_it_is_open_is_still_inside(root):
    (root / "file").write_text("data")
    with within([root]), open_file(root / "file") as file:
        os.unlink(root / "file")  # noqa: PTH108
        assert file.read() == b"data"


def test_roots_what_the_service_keeps_for_itself_is_closed_below_them_too(root):
    own = root / ".rfuav"
    own.mkdir()
    (own / "secret").write_text("secret")
    (root / ".rfuav-data").write_text("data")
    (root / ".env").write_text("API_KEYS=secret")
    (root / "link").symlink_to(own / "secret")
    (root / "x.csv").symlink_to(root / ".env")
    confine([root], [own])
    for file in (own / "secret", root / "link", root / ".env", root / "x.csv"):
        with pytest.raises(OutsideRoots, match="the service itself"):
            open_file(file)
    open_file(root / ".rfuav-data").close()
    for text in (".rfuav", ".rfuav/secret", "link", ".env", "x.csv"):
        with pytest.raises(PathNotAllowed, match="STATE_DIR"):
            resolve(text, [root], field="save_path")
    assert resolve(".rfuav-data", [root], field="save_path") == root / ".rfuav-data"
