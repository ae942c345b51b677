"""Files whose names only one task has: they move and are deleted with its results."""

import pytest

from rfuav_ray.outputs.added_files import add_files, added_files
from rfuav_ray.outputs.ownership import claim, results_in


def leave(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("results")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_added_files_files_that_a_task_adds_are_its_results_too(tmp_path):
    claim(tmp_path, "inference", "first")
    add_files(tmp_path, "inference", ["images", "deep/a.sigmf-meta", "a.sigmf-data", "never.sigmf-meta"])
    leave(tmp_path / "images", "a_00000.png")
    leave(tmp_path / "deep", "a.sigmf-meta", "mine.txt")
    leave(tmp_path, "predictions.json", "recording.iq")
    (tmp_path / "a.sigmf-data").symlink_to(tmp_path / "recording.iq")
    moved = claim(tmp_path, "inference", "second")
    assert moved is not None
    assert moved.names == ["predictions.json", "images", "deep/a.sigmf-meta", "a.sigmf-data"]
    first = tmp_path / "previous" / "first"
    assert (first / "images" / "a_00000.png").exists() and (first / "deep" / "a.sigmf-meta").exists()
    assert (first / "a.sigmf-data").is_symlink() and (tmp_path / "recording.iq").read_text() == "results"
    assert names_in(tmp_path / "deep") == ["mine.txt"]
    assert added_files(tmp_path, "inference") == []
    assert results_in(first, "inference") == ("first", moved.names)


def test_added_files_overwriting_deletes_added_folders_and_links_but_not_what_they_lead_to(tmp_path):
    claim(tmp_path, "inference", "first")
    add_files(tmp_path, "inference", ["images", "a.sigmf-data", "linked"])
    leave(tmp_path / "images", "a_00000.png")
    leave(tmp_path / "mine", "recording.iq")
    (tmp_path / "a.sigmf-data").symlink_to(tmp_path / "mine" / "recording.iq")
    (tmp_path / "linked").symlink_to(tmp_path / "mine")
    claim(tmp_path, "inference", "second", on_existing="overwrite")
    assert names_in(tmp_path) == ["mine"] and names_in(tmp_path / "mine") == ["recording.iq"]


@pytest.mark.parametrize(
    "listed", ['["../secret"]', '["/etc/passwd"]', '["//etc/x"]', '["."]', '["previous"]', "[1]", "{}", "[", "\0"]
)
def test_added_files_a_list_of_added_files_that_somebody_forged_is_no_way_out(tmp_path, listed):
    folder = tmp_path / "output"
    claim(folder, "inference", "first")
    (tmp_path / "secret").write_text("secret")
    (folder / ".inference-files.json").write_text(listed)
    assert claim(folder, "inference", "second") is None
    assert (tmp_path / "secret").read_text() == "secret"


def test_added_files_names_of_any_kind_can_be_told(tmp_path):
    claim(tmp_path, "inference", "first")
    names = [f"{number}.sigmf-meta" for number in range(1000)]
    add_files(tmp_path, "inference", ["\udcff.sigmf-meta", *names])
    leave(tmp_path, "\udcff.sigmf-meta", *names[:50])
    told = str(claim(tmp_path, "inference", "second"))
    told.encode()
    assert "and 41 more" in told and len(told) < 1000
