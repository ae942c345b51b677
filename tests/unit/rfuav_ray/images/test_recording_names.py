"""Which images show one recording, told from their names."""

import pytest

from rfuav_ray.api.requests import AUGMENTATION_METHODS
from rfuav_ray.images.recording_names import by_recording

METHODS = ("origin", "iq1", "iq100", *AUGMENTATION_METHODS)


def groups(*names: str) -> list[list[str]]:
    return list(by_recording(names).values())


@pytest.mark.parametrize("form", ["{r}_{n:05}.png", "{r} ({n}).jpg", "{r}_{n}.v2.webp", "{r}_{n:04}.ome.tif"])
@pytest.mark.parametrize("recording", ["r1", "r1.v2", "2026-11-29_2.4GHz", "rec_7", "无人机"])
def test_recording_names_frames_belong_to_their_recording(form: str, recording: str) -> None:
    ours = [form.format(r=recording, n=number) for number in range(1, 4)]
    theirs = [form.format(r=f"{recording}x", n=number) for number in range(1, 4)]
    assert groups(*ours, *theirs) == [ours, theirs]


def test_recording_names_what_an_augmentation_made_belongs_to_the_recording_of_its_frame() -> None:
    ours = [f"r1_{frame:05}_{method}.png" for frame in range(3) for method in METHODS]
    ours += [
        "r1_00004.png",
        "r1_00003_origin_CLAHE.png",
        "r1_00003_iq2_CLAHE.png",
        "r1 (4)_GaussNoise.png",
        "r1_origin.png",
    ]
    theirs = [f"r2_{frame:05}_{method}.png" for frame in range(3) for method in METHODS]
    assert groups(*ours, *theirs) == [ours, theirs]


def test_recording_names_a_number_in_the_name_of_a_recording_stays() -> None:
    first = ["drone_1_0001.png", "drone_1 (1).png"]
    assert groups(*first, "drone_2_0001.png") == [first, ["drone_2_0001.png"]]


def test_recording_names_copies_belong_to_what_they_are_copies_of() -> None:
    ours = ["r1_0003.png", "r1_0003 (2).png", "r1_0004_CLAHE (3).png", "r1_0003 (2) (2).png"]
    assert groups(*ours, "r2_0001.png") == [ours, ["r2_0001.png"]]


def test_recording_names_images_named_by_numbers_belong_to_their_folder() -> None:
    ours = ["r1/0001.png", "r1/part2/0002.png", "r1/origin/frame_0003_CLAHE.png", "r1/(4).png"]
    theirs = ["r2/0001.png", "r2/0002.png"]
    assert groups(*ours, *theirs) == [ours, theirs]
    # Below what all have in common.
    deep = [f"all/images/{name}" for name in ours + theirs]
    assert len(groups(*deep)) == 2


def test_recording_names_without_folders_numbers_tell_nothing() -> None:
    assert len(groups("0001.png", "0002.png", "3.png")) == 3
    assert len(groups("only/0001.png", "only/0002.png")) == 2


def test_recording_names_a_recording_may_lie_in_several_folders() -> None:
    names = ["r1_0001.png", "session2/r1_0002.png", "session3/r1_0003.png"]
    assert groups(*names, "session2/r2_0001.png") == [names, ["session2/r2_0001.png"]]
    assert groups("r1/0001.png", "r1_0002.png", "r2_1.png") == [["r1/0001.png", "r1_0002.png"], ["r2_1.png"]]


def test_recording_names_where_all_names_are_alike_the_folders_are_the_recordings() -> None:
    assert len(groups("10m/drone_0001.png", "10m/drone_0002.png", "20m/drone_0001.png")) == 2


def test_recording_names_no_names_no_groups() -> None:
    assert by_recording([]) == {}
