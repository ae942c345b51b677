from pathlib import Path

import pytest

from rfuav_ray.file_access.roots import OutsideRoots, within
from rfuav_ray.images.dataset_parts import beside_the_parts, parts_of


def test_dataset_parts_what_lies_beside_the_parts_is_counted(tmp_path: Path) -> None:
    for name in ("train/a/1.png", "test/a/2.png", "more/a/3.png", "more/notes.txt", "b.iq", ".x", "dataset.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "val").symlink_to("/")
    assert parts_of(tmp_path, roots=[tmp_path]) == ["train", "test"]
    left_out = beside_the_parts(tmp_path, ["train"], [tmp_path])
    assert left_out.counts == {"outside_parts": 1, "other_suffix": 1, "hidden": 1, "outside_roots": 1}


def test_dataset_parts_nothing_is_said_about_a_folder_outside_of_the_roots(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.png").touch()
    with within([tmp_path / "inside"]), pytest.raises(OutsideRoots):
        beside_the_parts(tmp_path, [])
