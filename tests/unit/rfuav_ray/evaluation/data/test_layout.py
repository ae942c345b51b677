"""The folders of classes are found, and ratios are told from classes."""

import pytest

from rfuav_ray.errors import InvalidInput
from rfuav_ray.evaluation.data.layout import class_folders_of, snr_of
from rfuav_ray.walk import LeftOut

NAMES = ("drone", "remote")


@pytest.fixture
def events():
    return []


@pytest.fixture
def find(tmp_path, events):
    def find(*folders, names=NAMES, layout=None, **options):
        for folder in folders:
            (tmp_path / folder).mkdir(parents=True)
        found = class_folders_of(tmp_path, names, layout, field="data_path", report=events.append, **options)
        return [(str(one.path.relative_to(tmp_path)), one.label, one.snr_db) for one in found]

    return find


def messages(events, level):
    return [event.message for event in events if event.level == level]


@pytest.mark.parametrize(
    ("name", "snr_db"),
    [
        ("-10", -10),
        ("20dB", 20),
        ("snr_-4", -4),
        ("SNR=+6 dB", 6),
        ("-10.5", -10.5),
        ("SNR 0", 0),
        ("−8 dB", -8),
        ("snr_10_db", 10),
        ("drone", None),
        ("5g", None),
        ("dB", None),
        ("-", None),
        ("10-20", None),
        ("", None),
    ],
)
def test_layout_snr_of_reads_ratios(name, snr_db):
    assert snr_of(name) == snr_db


def test_layout_classes_alone(find, events):
    assert find("drone", "remote") == [("drone", 0, None), ("remote", 1, None)]
    assert events == []


def test_layout_ratios_are_found_by_looking(find, events):
    found = find("-10dB/drone", "-10dB/remote", "0/drone")
    assert found == [("-10dB/drone", 0, -10), ("0/drone", 0, 0), ("-10dB/remote", 1, -10)]
    assert "taken for signal-to-noise ratios, -10 to 0 dB" in messages(events, "INFO")[0]


def test_layout_one_folder_that_is_no_ratio_makes_them_classes(find):
    with pytest.raises(
        InvalidInput, match=r"holds no class of the model \(drone, remote\): it has the folders 0, a"
    ):
        find("0/drone", "a")


@pytest.mark.parametrize(
    ("folders", "layout", "expected"),
    [
        (("0", "10"), None, [("0", 0, None), ("10", 1, None)]),
        (("0/0", "10/10"), None, [("0/0", 0, 0), ("10/10", 1, 10)]),
        (("0/0", "10/10"), "class", [("0", 0, None), ("10", 1, None)]),
        (("5/0", "6/10"), None, [("5/0", 0, 5), ("6/10", 1, 6)]),
    ],
)
def test_layout_classes_that_are_numbers_go_by_the_level_that_has_them(find, events, folders, layout, expected):
    assert find(*folders, names=("0", "10"), layout=layout) == expected
    is_doubtful = folders[0] == "0/0" and layout is None
    assert ["layout: class" in text for text in messages(events, "WARNING")] == [True] * is_doubtful


def test_layout_other_folders_and_missing_classes_are_named(find, events):
    left_out = LeftOut()
    find("drone", "bird", left_out=left_out)
    assert left_out.counts["other_class"] == 1
    other, missing = messages(events, "WARNING")
    assert "bird" in other and "1 of the model's classes: remote" in missing


def test_layout_an_asked_layout_leaves_out_what_is_no_ratio(find, events):
    assert find("-4/drone", "drone", layout="snr") == [("-4/drone", 0, -4)]
    assert any(text.endswith("not evaluated: drone.") for text in messages(events, "WARNING"))


def test_layout_names_in_decomposed_unicode_are_the_same(find):
    assert find("ve\u0301lo", names=("v\u00e9lo",)) == [("ve\u0301lo", 0, None)]


def test_layout_a_whole_data_set_names_its_parts(find):
    with pytest.raises(InvalidInput, match="Choose one of its parts, such as") as refusal:
        find("train/drone", "valid/drone")
    assert refusal.value.field == "data_path"


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_layout_no_folder_is_refused(tmp_path, name):
    (tmp_path / "file.txt").touch()
    with pytest.raises(InvalidInput) as refusal:
        class_folders_of(tmp_path / name, NAMES, None, field="calibration_path")
    assert refusal.value.field == "calibration_path"
