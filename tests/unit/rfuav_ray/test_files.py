import pytest

from rfuav_ray.files import is_image, replacing, write_text


def test_files_the_suffix_decides(tmp_path):
    for name in ("x.PNG", "x.jpg", "x.Jpeg", "x.bmp", "x.tif", "x.TIFF", "x.webp"):
        assert is_image(tmp_path / name)
    for name in ("x.gif", "x.png.part", "png", ".x.png"):
        assert not is_image(tmp_path / name)


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
