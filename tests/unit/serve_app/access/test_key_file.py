import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from rfuav_ray.errors import RfuavError
from serve_app.access.key_file import add_key, read_keys, remove_key
from serve_app.access.keys import matching
from serve_app.access.scopes import Scope


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "keys.txt"


def test_key_file_keys_come_and_go(path):
    ann = add_key(path, "ann", Scope.READ)
    bob = add_key(path, "bob", Scope.ADMIN)
    keys = read_keys(path)
    assert [(key.name, key.scope) for key in keys] == [("ann", Scope.READ), ("bob", Scope.ADMIN)]
    assert matching(keys, ann.encode()).name == "ann" and matching(keys, bob.encode()).name == "bob"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and ann not in path.read_text()
    remove_key(path, "ann")
    assert [key.name for key in read_keys(path)] == ["bob"]
    assert [one.name for one in path.parent.iterdir()] == ["keys.txt"]


def test_key_file_a_taken_or_wrong_name_and_an_unknown_one_are_refused(path):
    add_key(path, "ann", Scope.READ)
    with pytest.raises(RfuavError, match="has a key 'ann'"):
        add_key(path, "ann", Scope.WRITE)
    with pytest.raises(RfuavError, match="the name of a key is"):
        add_key(path, "an:n", Scope.WRITE)
    with pytest.raises(RfuavError, match="has no key 'bob'"):
        remove_key(path, "bob")
    assert len(read_keys(path)) == 1


def test_key_file_several_at_once_lose_nothing(path):
    names = [f"key-{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda name: add_key(path, name, Scope.READ), names))
    assert sorted(key.name for key in read_keys(path)) == sorted(names)


def test_key_file_the_group_that_may_read_it_can_read_it_after_a_change(path):
    add_key(path, "ann", Scope.READ)
    path.chmod(0o640)
    add_key(path, "bob", Scope.READ)
    remove_key(path, "ann")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to any group")
def test_key_file_keeps_its_group(path):
    add_key(path, "ann", Scope.READ)
    os.chown(path, -1, 65534)
    add_key(path, "bob", Scope.READ)
    assert path.stat().st_gid == 65534


def test_key_file_a_linked_file_stays_linked(path, tmp_path):
    link = tmp_path / "link"
    add_key(path, "ann", Scope.READ)
    link.symlink_to(path)
    add_key(link, "bob", Scope.READ)
    assert link.is_symlink() and len(read_keys(path)) == 2


@pytest.mark.parametrize(("mode", "is_refused"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_key_file_others_may_not_read_or_change_it(path, mode, is_refused):
    add_key(path, "ann", Scope.READ)
    path.chmod(mode)
    if not is_refused:
        assert len(read_keys(path)) == 1
        return
    with pytest.raises(RfuavError, match="chmod 600"):
        read_keys(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ann:read:a-secret", "has no hash"),
        (b"ann:king:x", "unknown scope"),
        (b"sha256." + b"a" * 32 + b"." + b"b" * 64, "a hash stands alone"),
        (b"\xff\xfe", "is not text"),
        (b"x" * 2**21, "larger than"),
    ],
)
def test_key_file_wrong_contents_are_refused(path, content, message):
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(RfuavError, match=message) as caught:
        read_keys(path)
    assert str(path) in str(caught.value) and "a-secret" not in str(caught.value)


def test_key_file_what_is_no_file_is_refused(path):
    with pytest.raises(RfuavError, match="rfuav key new"):
        read_keys(path)
    path.parent.mkdir()
    os.mkfifo(path, 0o600)
    with pytest.raises(RfuavError, match="is not a file"):
        read_keys(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RfuavError, match="is not a file"):
        read_keys(path)


def test_key_file_comments_and_empty_lines_are_left_out(path):
    add_key(path, "ann", Scope.READ)
    path.write_text(f"# of the lab\n\n  {path.read_text().splitlines()[-1]}  \n")
    assert [key.name for key in read_keys(path)] == ["ann"]
