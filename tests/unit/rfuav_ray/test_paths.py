import os

import pytest

from rfuav_ray import paths
from rfuav_ray.errors import InvalidInput, PathNotAllowed


def test_paths_a_relative_path_starts_at_the_first_root(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert paths.resolve("a/b", [first, second], field="p") == first / "a" / "b"
    assert paths.resolve(str(second / "c"), [first, second], field="p") == second / "c"


@pytest.mark.parametrize("text", ["..", "a/../../x", "/", "/etc/passwd"])
def test_paths_a_path_outside_the_roots_is_refused(tmp_path, text):
    with pytest.raises(PathNotAllowed) as refused:
        paths.resolve(text, [tmp_path], field="train_path")
    assert refused.value.field == "train_path"
    assert str(tmp_path) in str(refused.value)


def test_paths_a_folder_that_only_begins_like_a_root_is_outside(tmp_path):
    with pytest.raises(PathNotAllowed):
        paths.resolve(f"{tmp_path}-other/file", [tmp_path], field="p")


def test_paths_a_link_is_followed_before_it_is_judged(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(PathNotAllowed):
        paths.resolve("out/secret", [root], field="p")


def test_paths_a_link_to_a_name_that_is_no_utf8_is_refused(tmp_path, no_utf8_folder):
    (tmp_path / "link").symlink_to(no_utf8_folder)
    with pytest.raises(InvalidInput, match="UTF-8; rename it") as refused:
        paths.existing("link", [tmp_path], field="p")
    str(refused.value).encode()


def test_paths_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(InvalidInput):
        paths.existing("a", [tmp_path], field="p")


def what_is_said(text, root):
    with pytest.raises(InvalidInput) as refused:
        paths.resolve(text, [root], field="p")
    return type(refused.value), str(refused.value).replace(text, "…")


@pytest.mark.parametrize("rest", ["", "/", "/x", "/../x"])
def test_paths_do_not_tell_which_users_exist(tmp_path, rest):
    said = {what_is_said(f"~{user}{rest}", tmp_path) for user in ("root", "nobody", "no-such-user", "x" * 100)}
    assert len(said) == 1 and "begins with ~" in said.pop()[1]


def test_paths_a_tilde_is_the_own_home_and_else_a_character(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert paths.resolve("~", [tmp_path], field="p") == tmp_path / "home"
    assert paths.resolve("~/a", [tmp_path], field="p") == tmp_path / "home" / "a"
    (tmp_path / "~root").mkdir()
    assert paths.resolve("~root/a", [tmp_path], field="p") == tmp_path / "~root" / "a"
    assert paths.resolve("a/~root", [tmp_path], field="p") == tmp_path / "a" / "~root"


def test_paths_do_not_tell_what_lies_outside(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "in").mkdir(parents=True)
    (outside / "closed").mkdir(parents=True)
    (outside / "file").touch()
    (outside / "loop").symlink_to(outside / "loop")
    (outside / "closed").chmod(0)
    (root / "link").symlink_to(outside)
    names = (
        "file",
        "missing",
        "loop",
        "loop/x",
        "closed",
        "closed/x",
        "file/x",
        "$HOME",
        "C:\\x",
        " x ",
        "x" * 300,
    )
    for before in (f"{outside}/", "../outside/", "in/../../outside/", f"{root}/../outside/"):
        assert len({what_is_said(before + name, root) for name in names}) == 1
    links = {what_is_said(f"link/{name}", root) for name in names if "loop" not in name}
    assert len(links) == 1


def test_paths_what_must_exist_is_named_when_it_does_not(tmp_path):
    for check in (paths.existing, paths.existing_file):
        with pytest.raises(InvalidInput, match=r"there is no file.*'.*nothing'"):
            check("nothing", [tmp_path], field="p")
    with pytest.raises(InvalidInput, match="is a folder"):
        paths.existing_file(".", [tmp_path], field="p")


def test_paths_a_name_longer_than_the_file_system_takes_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="File name too long"):
        paths.existing("x" * 300, [tmp_path], field="p")


@pytest.mark.parametrize("text", ["new/deep/{}", "{}/new", "{}"])
def test_paths_a_new_folder_with_a_name_that_is_too_long_is_refused_before_the_folder_above_it_exists(
    tmp_path, text
):
    # Three bytes each: 85 fit.
    assert paths.output_folder(text.format("数" * 85), [tmp_path], field="p")
    with pytest.raises(InvalidInput, match=r"has 258 bytes; at most 255 .* Choose a shorter one|name too long"):
        paths.output_folder(text.format("数" * 86), [tmp_path], field="p")


def test_paths_a_new_folder_leaves_room_for_its_files(tmp_path):
    room = 100
    longest = 4095 - room - len(str(tmp_path))
    text = ("/" + "x" * 99) * (longest // 100)
    text += "/" + "y" * (longest - len(text) - 1)
    output = paths.output_folder(f"{tmp_path}{text}", [tmp_path], field="p", room_bytes=room)
    assert len(str(output)) == 4095 - room
    with pytest.raises(InvalidInput, match=f"the files in it need up to {room} more; at most 4095"):
        paths.output_folder(f"{tmp_path}{text}y", [tmp_path], field="p", room_bytes=room)


def test_paths_an_output_folder_may_be_missing_but_not_lie_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    assert paths.output_folder("new/deep", [tmp_path], field="p") == tmp_path / "new" / "deep"
    with pytest.raises(InvalidInput, match="is a file"):
        paths.output_folder("file/deep", [tmp_path], field="p")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_paths_permissions_are_checked(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0)
    try:
        with pytest.raises(InvalidInput, match="cannot be read"):
            paths.existing("locked", [tmp_path], field="p")
        with pytest.raises(InvalidInput, match="no permission"):
            paths.output_folder("locked", [tmp_path], field="p")
    finally:
        locked.chmod(0o700)


def test_paths_a_file_that_is_lost_during_a_check_is_the_requests_fault(tmp_path):
    @paths.refuses_lost_files
    def check():
        return list((tmp_path / "gone").iterdir())

    with pytest.raises(InvalidInput, match="gone' cannot be used: No such file or directory"):
        check()


def test_paths_a_pipe_is_not_called_a_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InvalidInput, match="neither a file nor a folder"):
        paths.existing_file("pipe.png", [tmp_path], field="path")
