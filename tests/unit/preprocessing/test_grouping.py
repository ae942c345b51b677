"""Whether a split keeps recordings together, and what it says about that."""

from pathlib import Path

import pytest

from preprocessing.grouping import groups_of
from rfuav_ray.events import RunEvent

TWO = [f"{recording}_{number:04}.png" for recording in ("r1", "r2") for number in range(3)]
ONE = TWO[:3]
NUMBERS = ["0.png", "1.png", "2.png"]


def grouped(
    folder: Path, wanted: bool | None, **names: list[str]
) -> tuple[dict[str, list[list[str]]], list[RunEvent]]:
    events: list[RunEvent] = []
    found = {}
    for class_name, group_of in groups_of(names, folder, wanted, events.append).items():
        groups: dict[str, list[str]] = {}
        for name in names[class_name]:
            groups.setdefault(group_of[name], []).append(name)
        found[class_name] = list(groups.values())
    return found, events


def test_grouping_by_default_recordings_that_names_tell_apart_stay_together(tmp_path: Path) -> None:
    found, (event,) = grouped(tmp_path, None, a=TWO, b=TWO)
    assert found == {"a": [TWO[:3], TWO[3:]], "b": [TWO[:3], TWO[3:]]}
    assert (event.level, "the names tell 4 recordings apart" in event.message) == ("INFO", True)


def test_grouping_by_default_a_class_of_one_recording_is_split_with_a_warning(tmp_path: Path) -> None:
    found, (event,) = grouped(tmp_path, None, a=TWO, b=ONE)
    assert found == {"a": [[name] for name in TWO], "b": [[name] for name in ONE]}
    assert event.level == "WARNING"
    assert "1 of 2 classes are one recording each (b). The split leaks" in event.message


def test_grouping_by_default_names_that_tell_nothing_are_split_image_by_image(tmp_path: Path) -> None:
    found, (event,) = grouped(tmp_path, None, a=NUMBERS, b=[*NUMBERS, "0_GaussNoise.png"])
    assert found["a"] == [[name] for name in NUMBERS]
    # What an augmentation made stays with its image.
    assert found["b"][0] == ["0.png", "0_GaussNoise.png"]
    assert (event.level, "do not tell recordings apart" in event.message) == ("INFO", True)


@pytest.mark.parametrize("of", ["", "a/"])
def test_grouping_dataset_yaml_tells_recordings(tmp_path: Path, of: str) -> None:
    names = [f"take7_{number}_00000.png" for number in range(3)]
    listed = "".join(f"- pictures: a/take7_{number}_<number>.png\n" for number in range(3))
    (tmp_path / "dataset.yaml").write_text(f"recordings:\n{listed}")
    found, (event,) = grouped(tmp_path / of, None, a=names)
    assert found == {"a": [[name] for name in names]}
    assert "dataset.yaml tells 3 recordings apart" in event.message


def test_grouping_a_damaged_dataset_yaml_is_told_and_names_are_used(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text("recordings: [")
    found, (damaged, _) = grouped(tmp_path, None, a=TWO)
    assert found == {"a": [TWO[:3], TWO[3:]]}
    assert (damaged.level, "dataset.yaml" in damaged.message) == ("WARNING", True)


def test_grouping_what_is_asked_for_is_done_without_a_word(tmp_path: Path) -> None:
    assert grouped(tmp_path, False, a=TWO) == ({"a": [[name] for name in TWO]}, [])
    assert grouped(tmp_path, True, a=ONE) == ({"a": [ONE]}, [])
