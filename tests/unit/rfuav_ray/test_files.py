import pytest

from rfuav_ray.files import find_images, is_image, replacing, write_text


def test_files_images_are_found_at_any_depth_in_any_case_and_hidden_ones_are_not(tmp_path):
    for name in ("b.JPG", "sub/a.png", "sub/deep/c.bmp", "d e.jpeg", "飞.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("notes.txt", ".hidden.png", "png"):
        (tmp_path / name).touch()
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.png").touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["b.JPG", "d e.jpeg", "sub/a.png", "sub/deep/c.bmp", "飞.png"]


def test_files_a_loop_of_linked_folders_ends(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a.png").touch()
    assert find_images(tmp_path) == [tmp_path / "a.png"]


def test_files_the_suffix_decides(tmp_path):
    assert is_image(tmp_path / "x.PNG")
    assert not is_image(tmp_path / "x.tiff")


def test_files_a_file_appears_whole(tmp_path):
    target = tmp_path / "new" / "report.json"
    write_text(target, "{}")
    assert target.read_text() == "{}"
    assert list(target.parent.iterdir()) == [target]


def test_files_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "weights.pth"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as temporary:
        temporary.write_text("half")
        assert target.read_text() == "old"
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
