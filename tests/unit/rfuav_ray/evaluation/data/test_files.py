"""Files get their labels, their ratios and their recordings."""

import pytest

from rfuav_ray.errors import InvalidInput
from rfuav_ray.evaluation.data.files import UNKNOWN, labelled_files, unknown_files

NAMES = ("drone", "remote")


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"0" * 64)


@pytest.fixture
def find(tmp_path):
    def find(*names, **options):
        touch(tmp_path, *names)
        found = labelled_files(tmp_path, NAMES, None, field="data_path", **options)
        return {one.path.relative_to(tmp_path).as_posix(): one for one in found}

    return find


def recordings(found):
    """The files of each recording."""
    groups = {}
    for name, one in found.items():
        groups.setdefault(one.recording, []).append(name)
    return list(groups.values())


def test_files_images_and_recordings_below_a_class_folder(find):
    found = find("drone/a.png", "drone/deep/b.iq", "remote/c.jpg")
    assert [(name, one.label, one.snr_db) for name, one in found.items()] == [
        ("drone/a.png", 0, None),
        ("drone/deep/b.iq", 0, None),
        ("remote/c.jpg", 1, None),
    ]


def test_files_images_of_one_recording_belong_together(find):
    found = find("drone/a_0000.png", "drone/a_0001.png", "drone/b_0000.png", "remote/a_0000.png")
    assert recordings(found) == [
        ["drone/a_0000.png", "drone/a_0001.png"],
        ["drone/b_0000.png"],
        ["remote/a_0000.png"],
    ]
    apart = find(group_by_recording=False)
    assert len(recordings(apart)) == 4


def test_files_one_recording_at_several_ratios_is_one(find):
    found = find("-10/drone/a_0000.png", "0/drone/a_0000.png", "-10/drone/b.iq", "0/drone/b.iq", "0/remote/a.iq")
    assert [one.snr_db for one in found.values()] == [-10, -10, 0, 0, 0]
    assert recordings(found) == [
        ["-10/drone/a_0000.png", "0/drone/a_0000.png"],
        ["-10/drone/b.iq", "0/drone/b.iq"],
        ["0/remote/a.iq"],
    ]


def test_files_dataset_yaml_tells_recordings_that_names_do_not(tmp_path, find):
    listed = [{"pictures": f"drone/flight_0{number}_<number>.png"} for number in (1, 2)]
    (tmp_path / "dataset.yaml").write_text(f"recordings: {listed}")
    found = find("drone/flight_01_0000.png", "drone/flight_01_0001.png", "drone/flight_02_0000.png")
    assert [len(one) for one in recordings(found)] == [2, 1]


def test_files_class_folders_without_files_are_refused_or_named(tmp_path, find):
    (tmp_path / "drone").mkdir()
    with pytest.raises(InvalidInput, match=r"no image .* in the class folders"):
        find()
    events = []
    find("remote/a.png", report=events.append)
    assert any(event.level == "WARNING" and "empty: drone" in event.message for event in events)


def test_files_unknown_signals_are_all_files_of_a_folder_or_one(tmp_path):
    touch(tmp_path, "a.png", "deep/b.iq")
    assert [(one.path.name, one.label) for one in unknown_files(tmp_path)] == [
        ("a.png", UNKNOWN),
        ("b.iq", UNKNOWN),
    ]
    assert [one.path.name for one in unknown_files(tmp_path / "a.png")] == ["a.png"]
    (tmp_path / "none").mkdir()
    with pytest.raises(InvalidInput) as refusal:
        unknown_files(tmp_path / "none")
    assert refusal.value.field == "unknown_path"
