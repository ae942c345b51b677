"""Output folders that are used again: whose results are where."""

from dataclasses import replace

import pytest

from rfuav_ray.errors import TaskConflict
from rfuav_ray.events import ignore
from rfuav_ray.inference.results.prediction_pages import read_page
from rfuav_ray.outputs import ownership as outputs
from rfuav_ray.outputs.ownership import (
    claim,
    claim_without_task,
    current_path,
    results_folder,
    results_in,
    with_new_paths,
)
from tests.support.inference_runs import Run


def leave(folder, *names, text="results"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(text)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.fixture
def folder(tmp_path):
    """In which the task `first` has left two files."""
    folder = tmp_path / "output"
    assert claim(folder, "training", "first") is None
    leave(folder, "best_model.pth", "report.json", "my notes.txt", text="first's")
    return folder


def test_ownership_what_an_earlier_task_left_is_moved_and_nothing_else(folder):
    moved = claim(folder, "training", "second")
    assert (moved.task_id, moved.names, moved.is_new) == ("first", ["best_model.pth", "report.json"], True)
    assert names_in(folder) == ["my notes.txt", "previous"]
    assert (folder / "previous" / "first" / "report.json").read_text() == "first's"
    assert "'first'" in str(moved) and "best_model.pth, report.json" in str(moved)


def test_ownership_each_task_finds_its_own(folder):
    claim(folder, "training", "second")
    leave(folder, "report.json", text="second's")
    assert results_folder(folder, "training", "first") == folder / "previous" / "first"
    assert results_folder(folder, "training", "second") == folder
    assert results_folder(folder, "training", "never began") is None
    claim(folder, "training", "third")
    for task_id in ("first", "second"):
        own = results_folder(folder, "training", task_id)
        assert own is not None
        assert (own / "report.json").read_text() == f"{task_id}'s"


def test_ownership_a_task_that_asks_again_keeps_its_files_and_hears_again_what_was_moved(folder):
    before = claim(folder, "training", "second")
    leave(folder, "report.json", text="second's")
    again = claim(folder, "training", "second", is_first=False)
    assert (again.task_id, again.folder, again.names) == (before.task_id, before.folder, before.names)
    assert not again.is_new and (folder / "report.json").read_text() == "second's"
    assert claim(folder, "training", "third").task_id == "second"


def test_ownership_a_later_run_keeps_what_has_no_name_on_it(tmp_path):
    leave(tmp_path, "checkpoint.pt")
    assert claim(tmp_path, "training", "task", is_first=False) is None
    assert (tmp_path / "checkpoint.pt").exists()
    assert results_folder(tmp_path, "training", "another") is None


def test_ownership_a_new_task_with_the_id_of_an_older_one_loses_nothing(folder):
    moved = claim(folder, "training", "first")
    assert moved.names == ["best_model.pth", "report.json"]
    assert (folder / "previous" / "first" / "report.json").read_text() == "first's"


def test_ownership_kinds_do_not_touch_each_others_files(folder):
    assert claim(folder, "inference", "second") is None
    assert (folder / "report.json").exists()
    assert results_folder(folder, "training", "first") == folder


def test_ownership_a_training_and_an_evaluation_do_not_share_a_folder(folder, tmp_path):
    other = tmp_path / "evaluated"
    leave(other, "report.html", "report.json", "model.yaml")
    for place, kind, found in ((folder, "evaluation", "best_model.pth"), (other, "training", "report.html")):
        before = names_in(place)
        for again in (
            lambda at=place, of=kind: claim(at, of, "second"),
            lambda at=place, of=kind: claim_without_task(at, of, "", ignore),
        ):
            with pytest.raises(TaskConflict, match=found):
                again()
        assert names_in(place) == before
    assert claim(folder, "inference", "second") is None and claim(other, "evaluation", "second") is not None


def test_ownership_overwrite_deletes_what_an_earlier_task_left_and_nothing_else(folder):
    first = claim(folder, "training", "second", on_existing="overwrite")
    assert first is not None
    assert (first.task_id, first.names, first.is_deleted) == ("first", ["best_model.pth", "report.json"], True)
    assert str(first) == "results of 'first'. They were deleted: best_model.pth, report.json."
    assert names_in(folder) == ["my notes.txt"]
    leave(folder, "report.json", text="second's")
    assert results_folder(folder, "training", "first") is None
    again = claim(folder, "training", "second", is_first=False, on_existing="overwrite")
    assert again == replace(first, is_new=False)
    assert (folder / "report.json").read_text() == "second's"


def test_ownership_overwrite_leaves_results_of_other_tasks(folder):
    claim(folder, "training", "second")
    leave(folder, "report.json", text="second's")
    claim(folder, "inference", "second")
    leave(folder, "predictions.csv")
    assert claim(folder, "training", "third", on_existing="overwrite").task_id == "second"
    assert names_in(folder) == ["my notes.txt", "predictions.csv", "previous"]
    assert names_in(folder / "previous") == ["first"]
    claim(folder, "training", "first")  # it leaves nothing, but an earlier task had its id
    assert not claim(folder, "training", "fourth", on_existing="overwrite").is_deleted
    assert (folder / "previous" / "first" / "report.json").exists()


def test_ownership_refuse_changes_nothing_and_does_not_concern_the_tasks_own_files(folder):
    before = names_in(folder)
    for is_first in (True, False):
        with pytest.raises(
            TaskConflict, match="holds results of 'first', and on_existing is 'refuse': best_model"
        ):
            claim(folder, "training", "second", is_first=is_first, on_existing="refuse")
    assert names_in(folder) == before and results_in(folder, "training") == ("first", before[:1] + before[2:])
    assert claim(folder, "training", "first", is_first=False, on_existing="refuse") is None
    assert claim(folder, "inference", "second", on_existing="refuse") is None


@pytest.mark.parametrize("on_existing", ["keep", "overwrite"])
@pytest.mark.parametrize("crash", ["rename", "write_text", "unlink"])
def test_ownership_a_move_that_was_interrupted_is_finished(folder, monkeypatch, crash, on_existing):
    if crash == "unlink" and on_existing == "keep":
        return  # nothing is deleted

    with monkeypatch.context() as change:

        def die(*arguments):
            raise OSError("power cut")

        if crash in {"rename", "unlink"}:  # after the first file
            real = getattr(type(folder), crash)
            change.setattr(
                type(folder), crash, lambda *a, **k: die() if a[0].name == "report.json" else real(*a, **k)
            )
        else:
            change.setattr(outputs, "write_text", die)
        with pytest.raises(OSError, match="power cut"):
            claim(folder, "training", "second", on_existing=on_existing)
    moved = claim(folder, "training", "second", is_first=False, on_existing=on_existing)
    assert moved.names == ["best_model.pth", "report.json"]
    if on_existing == "keep":
        assert names_in(folder / "previous" / "first") == moved.names
    else:
        assert names_in(folder) == ["my notes.txt"]


def test_ownership_an_id_that_was_used_before_loses_nothing(folder):
    claim(folder, "training", "second")
    claim(folder, "training", "first")
    leave(folder, "report.json", text="the new first's")
    claim(folder, "training", "third")
    assert (folder / "previous" / "first" / "report.json").read_text() == "the new first's"
    assert (folder / "previous" / "first.2" / "report.json").read_text() == "first's"


def test_ownership_files_without_a_name_on_them_are_kept_by_their_time(tmp_path):
    leave(tmp_path, "predictions.csv", "predictions.json")
    moved = claim(tmp_path, "inference", "task")
    assert moved.names == ["predictions.csv", "predictions.json"]
    assert names_in(tmp_path / "previous") == [moved.task_id]


def test_ownership_a_damaged_note_is_none(folder):
    (folder / ".training-task.json").write_text("[")
    assert results_folder(folder, "training", "anybody") == folder
    assert claim(folder, "training", "second").names == ["best_model.pth", "report.json"]


def test_ownership_weights_that_were_moved_are_found(folder):
    weights = folder / "best_model.pth"
    claim(folder, "training", "second")
    assert current_path(weights, "training") == folder / "previous" / "first" / "best_model.pth"
    assert current_path(folder / "never.pth", "training") == folder / "never.pth"
    leave(folder, "best_model.pth")
    assert current_path(weights, "training") == weights


def test_ownership_a_result_names_the_files_where_they_are_now(folder):
    result = {
        "save_path": str(folder),
        "files": {"best_model": str(folder / "best_model.pth"), "curves": str(folder / "curves.png")},
        "epochs": 3,
    }
    moved = claim(folder, "training", "second")
    assert moved is not None
    assert with_new_paths(result, folder, moved) == {
        "save_path": moved.folder,
        "files": {"best_model": f"{moved.folder}/best_model.pth", "curves": str(folder / "curves.png")},
        "epochs": 3,
    }


def test_ownership_a_run_without_a_task_moves_a_tasks_results_and_replaces_its_own(folder, tmp_path):
    events = []
    claim_without_task(folder, "training", "local", events.append)
    assert [event.level for event in events] == ["WARNING"] and "previous/first" in events[0].message
    leave(folder, "report.json")
    claim_without_task(folder, "training", "local", events.append)
    claim_without_task(tmp_path / "elsewhere", "training", "local", events.append)
    assert len(events) == 1 and (folder / "report.json").exists()


def test_ownership_a_run_without_a_task_refuses_any_results_and_overwrites_a_tasks(folder):
    with pytest.raises(TaskConflict, match="holds results of 'first'"):
        claim_without_task(folder, "training", "local", ignore, "refuse")
    claim_without_task(folder, "training", "local", ignore, "overwrite")
    assert names_in(folder) == ["my notes.txt"]
    leave(folder.parent, "report.json")  # of a run without a task
    with pytest.raises(TaskConflict, match="holds results, and"):
        claim_without_task(folder.parent, "training", "local", ignore, "refuse")


def test_ownership_an_inference_by_hand_moves_a_tasks_predictions(tmp_path):
    run = Run(tmp_path)
    run.add_images("a.png")
    claim(run.out, "inference", "task")
    run.infer(run_id="task")
    run.infer()
    assert [event.message for event in run.events if event.level == "WARNING"]
    for folder in (run.out, run.out / "previous" / "task"):
        total, rows = read_page(folder / "predictions.jsonl", 0, 10)
        assert (total, rows) == (1, run.json()["predictions"])
