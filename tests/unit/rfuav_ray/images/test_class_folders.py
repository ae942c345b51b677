import os
import subprocess
import sys
from pathlib import Path

import pytest

from rfuav_ray.errors import InvalidInput
from rfuav_ray.images.class_folders import (
    check_dataset,
    class_folders,
    fingerprint,
    labelled_images,
)
from rfuav_ray.walk import LeftOut


def make(folder: Path, classes: dict[str, list[str]]) -> Path:
    for name, images in classes.items():
        (folder / name).mkdir(parents=True)
        for image in images:
            (folder / name / image).write_bytes(b"x" * len(image))
    return folder


def refusal(path: Path) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        class_folders(path, field="train_path")
    assert refused.value.field == "train_path"
    return refused.value


def test_class_folders_are_sorted_and_hidden_ones_and_files_ignored(tmp_path: Path) -> None:
    make(tmp_path, {"b": ["1.PNG"], "a": ["1.jpeg"], "无人机": ["1.bmp"], ".cache": [], "B": ["1.jpg"]})
    (tmp_path / "dataset.yaml").write_text("stft: {}")
    assert class_folders(tmp_path, field="train_path") == ["B", "a", "b", "无人机"]


def test_class_folders_a_linked_class_folder_counts(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", {"x": ["1.png"]})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "linked").symlink_to(tmp_path / "elsewhere" / "x")
    assert class_folders(tmp_path / "data", field="train_path") == ["linked"]


def test_class_folders_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(tmp_path / "nowhere").reason


def test_class_folders_a_file_is_no_data_set(tmp_path: Path) -> None:
    file = tmp_path / "images.zip"
    file.write_bytes(b"")
    assert str(file) in refusal(file).reason
    assert str(file / "deeper") in refusal(file / "deeper").reason


def test_class_folders_images_without_class_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")
    assert "<path>/<class>/<image>" in refusal(tmp_path).reason


@pytest.mark.parametrize("content", [[], ["notes.txt"], [".hidden.png"]])
def test_class_folders_a_class_without_images_is_named(tmp_path: Path, content: list[str]) -> None:
    make(tmp_path, {"full": ["1.png"], "hollow": content})
    reason = refusal(tmp_path).reason
    assert "hollow" in reason and "full" not in reason
    assert all(f"hollow/{name}" in reason for name in content)


def test_class_folders_images_deeper_than_the_class_folder_count(tmp_path: Path) -> None:
    make(tmp_path, {"outer/inner": ["1.png"], "outer/more": ["1.png"]})
    assert class_folders(tmp_path, field="train_path") == ["outer"]
    found = [image.relative_to(tmp_path).as_posix() for image, _ in labelled_images(tmp_path, ["outer"])]
    assert found == ["outer/inner/1.png", "outer/more/1.png"]


def test_class_folders_a_folder_or_a_broken_link_named_like_an_image_is_none(tmp_path: Path) -> None:
    make(tmp_path, {"a/folder.png": [], "b": []})
    (tmp_path / "b" / "link.png").symlink_to(tmp_path / "gone.png")
    assert "a, b" in refusal(tmp_path).reason


def test_class_folders_a_name_that_is_no_utf8_is_refused(tmp_path: Path, no_utf8_folder: Path) -> None:
    (no_utf8_folder / "1.png").write_bytes(b"x")
    refused = refusal(tmp_path)
    assert "UTF-8" in refused.reason
    refused.reason.encode()


def test_class_folders_an_unreadable_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path, {"a": ["1.png"]})
    (tmp_path / "a").chmod(0)
    try:
        if os.access(tmp_path / "a", os.R_OK):
            pytest.skip("this user may read everything")
        assert str(tmp_path / "a") in refusal(tmp_path).reason
    finally:
        (tmp_path / "a").chmod(0o700)


def check(tmp_path: Path, train: list[str], val: list[str], num_classes: int) -> list[str]:
    make(tmp_path / "train", {name: ["1.png"] for name in train})
    make(tmp_path / "val", {name: ["1.png"] for name in val})
    return check_dataset(tmp_path / "train", tmp_path / "val", num_classes)


def test_class_folders_check_dataset_gives_the_class_names(tmp_path: Path) -> None:
    assert check(tmp_path, ["b", "a"], ["a", "b"], 2) == ["a", "b"]


def test_class_folders_the_count_must_be_num_classes(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"is 3, but .* has 2 class folders: a, b") as refused:
        check(tmp_path, ["a", "b"], ["a", "b"], 3)
    assert refused.value.field == "num_classes"


def test_class_folders_many_names_are_shortened(tmp_path: Path) -> None:
    names = [f"c{i:02}" for i in range(37)]
    with pytest.raises(InvalidInput) as refused:
        check(tmp_path, names, names, 36)
    assert "c09 and 27 more" in refused.value.reason
    assert "c10" not in refused.value.reason


def test_class_folders_the_validation_classes_must_be_the_same(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="these are missing: b; these are extra: c") as refused:
        check(tmp_path, ["a", "b"], ["a", "c"], 2)
    assert refused.value.field == "val_path"


def test_class_folders_labelled_images_are_sorted_with_the_index_of_their_class(tmp_path: Path) -> None:
    make(tmp_path, {"a": ["2.png", "1.png", "notes.txt"], "b": ["3.jpg"]})
    assert labelled_images(tmp_path, ["a", "b"]) == [
        (tmp_path / "a" / "1.png", 0),
        (tmp_path / "a" / "2.png", 0),
        (tmp_path / "b" / "3.jpg", 1),
    ]


def fingerprint_of(folder: Path, classes: dict[str, list[str]]) -> str:
    make(folder, classes)
    return fingerprint(folder, labelled_images(folder, sorted(classes)))


def test_class_folders_the_fingerprint_is_the_same_for_a_copy_and_another_for_other_names_or_sizes(
    tmp_path: Path,
) -> None:
    original = fingerprint_of(tmp_path / "one", {"a": ["1.png"], "b": ["2.png"]})
    assert len(original) == 64
    assert fingerprint_of(tmp_path / "copy", {"a": ["1.png"], "b": ["2.png"]}) == original
    assert fingerprint_of(tmp_path / "moved", {"a": ["2.png"], "b": ["1.png"]}) != original
    longer = make(tmp_path / "longer", {"a": ["1.png"], "b": ["2.png"]})
    (longer / "a" / "1.png").write_bytes(b"another size")
    assert fingerprint(longer, labelled_images(longer, ["a", "b"])) != original


@pytest.mark.parametrize("swapped", [False, True])
def test_class_folders_a_name_in_another_unicode_form_is_the_same_class(tmp_path: Path, swapped: bool) -> None:
    forms = ("dr\u00f6ne", "dro\u0308ne")
    train, val = forms[::-1] if swapped else forms
    assert check(tmp_path, [train, "b"], [val, "b"], 2) == sorted([train, "b"])
    images = labelled_images(tmp_path / "val", ["b", train])
    assert images == [(tmp_path / "val" / "b" / "1.png", 0), (tmp_path / "val" / val / "1.png", 1)]


def test_class_folders_names_that_look_alike_in_one_folder_are_refused(tmp_path: Path) -> None:
    make(tmp_path, {"dr\u00f6ne": ["1.png"], "dro\u0308ne": ["1.png"], "b": ["1.png"]})
    assert "look alike" in refusal(tmp_path).reason


def test_class_folders_what_is_no_class_folder_is_counted(tmp_path: Path) -> None:
    make(tmp_path, {"a": ["1.png", "1.txt"], ".cache": []})
    for name in ("stray.png", "notes.txt", "dataset.yaml"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "up").symlink_to(tmp_path.parent)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert class_folders(tmp_path, field="train_path") == ["a"]
    left_out = LeftOut()
    assert labelled_images(tmp_path, ["a"], left_out=left_out) == [(tmp_path / "a" / "1.png", 0)]
    expected = {"other_suffix": 2, "hidden": 1, "outside_classes": 1, "linked_again": 2, "broken_link": 1}
    assert left_out.counts == expected
    assert "a/1.txt, notes.txt" in left_out.describe(tmp_path) or "notes.txt, a/1.txt" in left_out.describe(
        tmp_path
    )


def test_class_folders_a_link_out_of_the_roots_is_no_class_and_named(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", {"x": ["1.png"]})
    for part in ("train", "val"):
        make(tmp_path / "root" / part, {"a": ["1.png"], "b": ["1.png"]})
        (tmp_path / "root" / part / "x").symlink_to(tmp_path / "elsewhere" / "x")
    folders = tmp_path / "root" / "train", tmp_path / "root" / "val"
    assert check_dataset(*folders, 3) == ["a", "b", "x"]
    assert check_dataset(*folders, 2, roots=[tmp_path / "root"]) == ["a", "b"]
    with pytest.raises(
        InvalidInput, match=r"is 3, but .* has 2 class folders: a, b.*lead out of DATA_ROOTS \(x\)"
    ):
        check_dataset(*folders, 3, roots=[tmp_path / "root"])


def test_class_folders_it_loads_no_torch() -> None:
    code = "import sys, rfuav_ray.images.class_folders; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
