import os
import tempfile
from pathlib import Path

import pytest

from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.private_files import (
    check_folder,
    is_open_to_others,
    is_private_folder,
    make_private,
    open_private,
    private_folder,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
NOBODY = 65534


def mode_of(path):
    return path.stat().st_mode & 0o777


def test_private_folder_is_made_for_its_owner_alone(tmp_path):
    assert mode_of(private_folder(tmp_path / "new" / "state", "STATE_DIR")) == 0o700


def test_private_folder_of_an_earlier_release_loses_the_rights_of_others(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o775)
    assert mode_of(private_folder(tmp_path / "state", "STATE_DIR")) == 0o700


def test_private_folder_that_every_user_may_write_is_refused(tmp_path):
    (tmp_path / "state").mkdir()
    for mode in (0o777, 0o1777):  # the content may be planted already
        (tmp_path / "state").chmod(mode)
        with pytest.raises(RfuavError, match="STATE_DIR: every user may write into"):
            private_folder(tmp_path / "state", "STATE_DIR")


def test_private_folder_below_an_open_folder_is_refused_unless_names_there_are_kept(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(RfuavError, match="every user may replace"):
        private_folder(tmp_path / "open" / "state", "STATE_DIR")
    (tmp_path / "open").chmod(0o1777)
    private_folder(tmp_path / "open" / "state", "STATE_DIR")


@needs_root
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_private_folder_of_another_user_is_refused(tmp_path, kind):
    folder = tmp_path / "state"
    if kind == "link":
        (tmp_path / "own").mkdir()
        folder.symlink_to(tmp_path / "own")
    else:
        folder.mkdir()
    os.chown(folder, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(RfuavError, match=r"belongs to the user nobody.*set STATE_DIR"):
        private_folder(folder, "STATE_DIR")


def test_check_folder_may_be_like_tmp_where_that_is_allowed(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    check_folder(tmp_path / "shared", "LOG_FILE", may_be_shared=True)
    (tmp_path / "shared").chmod(0o777)
    with pytest.raises(RfuavError, match="LOG_FILE"):
        check_folder(tmp_path / "shared", "LOG_FILE", may_be_shared=True)


def test_is_open_to_others_who_reach_and_write():
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        folder = Path(made) / "sockets"
        folder.mkdir()
        folder.chmod(0o777)
        assert not is_open_to_others(folder)
        Path(made).chmod(0o755)
        assert is_open_to_others(folder)
        folder.chmod(0o755)
        assert not is_open_to_others(folder)


def test_make_private_leaves_the_owners_rights_and_what_is_missing(tmp_path):
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o454)
    make_private(file)
    make_private(tmp_path / "missing")
    assert mode_of(file) == 0o400


def test_open_private_makes_files_for_their_owner_alone(tmp_path):
    with open(tmp_path / "log", "w", opener=open_private) as file:
        assert mode_of(Path(file.name)) == 0o600


def test_private_files_a_private_folder_is_an_own_one_and_no_link(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(folder)
    assert is_private_folder(folder)
    assert not is_private_folder(tmp_path / "link") and not is_private_folder(tmp_path / "nowhere")
    folder.chmod(0o750)
    assert not is_private_folder(folder)
