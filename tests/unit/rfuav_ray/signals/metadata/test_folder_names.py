import os
import time

from rfuav_ray.signals.metadata.folder_names import names_in, once_per_folder


def settled(folder):
    """As if the folder had last changed a minute ago."""
    minute_ago = time.time() - 60
    os.utime(folder, (minute_ago, minute_ago))
    return folder


def test_folder_names_are_sorted_and_not_hidden(tmp_path):
    for name in ("b.iq", ".hidden.iq", "a.iq"):
        (tmp_path / name).touch()
    assert names_in(tmp_path) == ("a.iq", "b.iq")
    assert names_in(tmp_path / "missing") == ()


def test_folder_names_are_listed_once_until_the_folder_changes(tmp_path):
    looked = []

    @once_per_folder
    def look(folder):
        looked.append(folder)
        return len(looked)

    settled(tmp_path)
    look(tmp_path)
    before = len(looked)
    for _ in range(1000):
        look(tmp_path)
    assert len(looked) <= before + 1  # at most once in some seconds
    (tmp_path / "a.iq").touch()
    assert look(tmp_path) == len(looked) > before


def test_folder_names_of_a_folder_that_has_just_changed_are_always_new(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.iq").touch()
        assert len(names_in(tmp_path)) == number + 1
