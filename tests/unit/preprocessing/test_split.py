"""Which file goes into which part, and the copy."""

import os

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.pipeline.worker import Item
from preprocessing.split import copy, images_of, items_of, parts
from rfuav_ray.api.requests import DatasetSplitRequest
from rfuav_ray.errors import RunError
from rfuav_ray.images.recording_names import recordings_of
from rfuav_ray.walk import LeftOut


def divide(names, train_ratio=0.8, val_ratio=None, seed="42 a", group_by_recording=False):
    return parts(
        names,
        train_ratio=train_ratio,
        val_ratio=val_ratio,
        shuffle_seed=seed,
        group_of=recordings_of(names).of if group_by_recording else {name: name for name in names},
    )


@given(
    count=st.integers(1, 60),
    train_ratio=st.floats(0.1, 0.9),
    val_ratio=st.none() | st.floats(0.05, 0.5),
    frames=st.integers(1, 5),
    group=st.booleans(),
)
def test_split_parts_are_disjoint_and_complete_and_none_that_matters_is_empty(
    count, train_ratio, val_ratio, frames, group
):
    names = [f"rec{number // frames} ({number % frames}).jpg" for number in range(count)]
    divided = divide(names, train_ratio, val_ratio, group_by_recording=group)
    assert sorted(name for part in divided.values() for name in part) == sorted(names)
    assert set(divided) == ({"train", "valid"} if val_ratio is None else {"train", "valid", "test"})
    groups = len({name.split(" ")[0] for name in names}) if group else count
    assert divided["train"]
    assert bool(divided["valid"]) == (groups >= 2)
    if not group:
        assert abs(len(divided["train"]) - train_ratio * count) <= 1
    if group:
        parts_of = [{name.split(" ")[0] for name in part} for part in divided.values()]
        assert sum(map(len, parts_of)) == len(set().union(*parts_of))


@pytest.mark.parametrize(
    ("count", "train_ratio", "val_ratio", "sizes"),
    [
        (26, 0.7, 0.2, (18, 5, 3)),
        (10, 0.7, 0.2, (7, 2, 1)),
        (10, 0.8, None, (8, 2)),
        (2, 0.9, None, (1, 1)),
        (2, 0.1, None, (1, 1)),
        (2, 0.7, 0.2, (1, 1, 0)),
        (3, 0.1, 0.05, (1, 1, 1)),
        (1, 0.5, 0.4, (1, 0, 0)),
    ],
)
def test_split_the_ratios_say_how_many(count, train_ratio, val_ratio, sizes):
    divided = divide([f"{number}.png" for number in range(count)], train_ratio, val_ratio)
    assert tuple(map(len, divided.values())) == sizes


def test_split_the_seed_decides_and_the_order_of_the_names_does_not():
    names = [f"{number}.png" for number in range(40)]
    assert divide(names) == divide(names[::-1])
    assert divide(names)["train"] != divide(names, seed="43 a")["train"]


@pytest.mark.parametrize("seed", range(5))
def test_split_recordings_of_very_different_lengths_come_near_the_ratio(seed):
    names = [f"long_{number}.png" for number in range(81)] + [f"short{number}.png" for number in range(19)]
    # 80 are wanted; the long one goes where it brings the number nearer.
    assert 62 <= len(divide(names, seed=f"{seed}", group_by_recording=True)["train"]) <= 98


@pytest.mark.parametrize("name", ["rec (3).jpg", "rec_0003.png", "rec_7.bmp", "rec.png"])
def test_split_frames_of_one_recording_have_its_name(name):
    divided = divide([name, "rec_1.jpg", "other.jpg", "third.jpg"], group_by_recording=True)
    assert any({name, "rec_1.jpg"} <= set(part) for part in divided.values())


def test_split_a_copy_has_the_same_bytes_whatever_the_name(tmp_path):
    _, content = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))
    for name in ("with space.png", "无人机.png", "two\nlines.png", os.fsdecode(b"\xff.png")):
        (tmp_path / name).write_bytes(content.tobytes())
        copy(Item(name, f"train/{name}"), tmp_path / "out", source=tmp_path)
        assert (tmp_path / "out" / "train" / name).read_bytes() == content.tobytes()


def test_split_no_recording_of_augmented_images_is_on_both_sides():
    methods = ("origin", "GaussNoise")
    names = [f"r{r}_{f:05}_{method}.png" for r in range(4) for f in range(6) for method in methods]
    divided = divide(names, group_by_recording=True)
    train, valid = ({name.split("_")[0] for name in divided[part]} for part in ("train", "valid"))
    assert train and valid and not train & valid


def test_split_nested_and_linked_images_keep_their_folders(tmp_path):
    for name in ("in/a/0.png", "in/a/session2/0.png", "store/0.png", "store/empty.png", "in/a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"" if "empty" in name else b"x")
    (tmp_path / "in" / "a" / "linked").symlink_to(tmp_path / "store")
    left_out = LeftOut()
    names, empty = images_of(tmp_path / "in", ["a"], [tmp_path], left_out)
    assert names == {"a": ["0.png", "linked/0.png", "session2/0.png"]}
    assert empty == [("a/linked/empty.png", "the file is empty.")]
    assert left_out.counts == {"other_suffix": 1}
    groups = {"a": {name: name for name in names["a"]}}
    items = items_of(DatasetSplitRequest(input_path="in", output_path="out"), names, groups)
    assert {item.source for item in items} == {f"a/{name}" for name in names["a"]}
    assert all(item.target.split("/", 1)[1] == item.source for item in items)


def test_split_what_is_no_image_is_not_copied(tmp_path):
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "text.png").write_text("not an image")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 6 // 10])
    for name in ("loop.png", "gone.png", "text.png", "cut.jpg"):
        with pytest.raises(RunError, match=name):
            copy(Item(name, name), tmp_path / "out", source=tmp_path)
    assert not (tmp_path / "out").exists()
