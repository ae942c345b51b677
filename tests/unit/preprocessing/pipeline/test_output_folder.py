"""The folder that a run writes into: taken, gone on with, finished, given up."""

import json
import threading

import pytest

from preprocessing.pipeline.output_folder import OutputFolder, PermitRevoked
from rfuav_ray.errors import RunCancelled, RunError, RunInterrupted, RunLost
from rfuav_ray.files import replacing
from rfuav_ray.outputs.manifest import Finished, holds_files, is_unfinished, read_run

REQUEST = {"input_path": "/in", "seed": 42}
#: what a killed worker leaves
HALF = f".{'0' * 32}.tmp.png"
PLANNED = ["a/1.png", "a/2.png"]


@pytest.fixture
def output(tmp_path):
    def open_it(run_id="task", request=REQUEST, plan="as planned"):
        return OutputFolder(tmp_path / "out", request=request, run_id=run_id, planned=lambda: PLANNED, plan=plan)

    return open_it


def make(folder, *names):
    for name in names:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text("whole")


def interrupt(output, *names):
    """As a kill leaves it: some files made, and half of one."""
    with pytest.raises(KeyboardInterrupt), output as folder:
        make(folder, *names, HALF)
        raise KeyboardInterrupt


def test_output_folder_a_finished_run_leaves_its_files_and_a_note(output, tmp_path):
    with output() as folder:
        make(folder, *PLANNED, f"a/{HALF}")
        folder.complete({"stats": 1})
    files = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert files == {*PLANNED, ".rfuav-run/run.json"}
    run = read_run(tmp_path / "out")
    assert run is not None and run["state"] == "complete"


def test_output_folder_the_same_run_started_again_after_its_end_finds_its_result(output):
    with output() as folder:
        make(folder, *PLANNED)
        folder.complete({"stats": 1})
    with output() as folder:
        assert folder.result == {"stats": 1}
    with pytest.raises(RunError, match="already holds files"), output(run_id="another"):
        pass


def test_output_folder_an_interrupted_run_is_gone_on_with_by_the_same_request_of_any_task(output, tmp_path):
    interrupt(output(), "a/1.png")
    assert is_unfinished(read_run(tmp_path / "out"), REQUEST)
    with output(run_id="another") as folder:
        assert (folder.path / "a" / "1.png").exists() and folder.result is None
        folder.complete({})
    assert not (tmp_path / "out" / HALF).exists()


def test_output_folder_a_later_run_knows_what_was_finished(output, tmp_path):
    outcome = Finished("digest", failure="it is damaged")
    with pytest.raises(KeyboardInterrupt), output() as folder:
        make(folder, "a/1.png")
        folder.note_finished([(0, Finished("abc")), (1, outcome)])
        raise KeyboardInterrupt
    with pytest.raises(RunInterrupted), output() as folder:
        assert folder.finished == {0: Finished("abc"), 1: outcome}
        raise RunInterrupted
    (tmp_path / "out" / "a" / "1.png").unlink()
    (tmp_path / "out" / "a").rmdir()
    with output(plan="another") as folder:  # the folder was emptied
        assert folder.finished == {}
        folder.note_finished([(0, Finished("another"))])
        make(folder, *PLANNED)
        folder.complete({})


def as_version_0_2_left_it(folder):
    """Its plan was another digest. A killed worker left its progress."""
    file = folder / ".rfuav-run" / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"plan": "sizes and times", "boot_id": "a boot"}))
    (folder / ".rfuav-run" / "finished.jsonl").unlink()
    (folder / ".rfuav-run" / "0.progress").write_text("1")


def test_output_folder_a_run_of_version_0_2_is_gone_on_with_and_makes_all_files_again(output, tmp_path):
    interrupt(output(), "a/1.png")
    as_version_0_2_left_it(tmp_path / "out")
    with output() as folder:
        assert (folder.path / "a" / "1.png").exists() and folder.finished == {}
        folder.complete({})
    assert [file.name for file in (tmp_path / "out" / ".rfuav-run").iterdir()] == ["run.json"]


def test_output_folder_a_run_of_version_0_2_with_files_that_are_not_planned_is_refused(output, tmp_path):
    interrupt(output(), "a/1.png")
    as_version_0_2_left_it(tmp_path / "out")
    (tmp_path / "out" / "a" / "3.png").touch()
    with pytest.raises(RunError, match="has changed since"), output():
        pass
    assert (tmp_path / "out" / "a" / "1.png").exists()


def test_output_folder_another_request_does_not_go_on_with_it(output, tmp_path):
    interrupt(output(), "a/1.png")
    with pytest.raises(RunError, match="already holds files"), output(run_id="another", request={"seed": 43}):
        pass
    assert (tmp_path / "out" / "a" / "1.png").exists()


def test_output_folder_the_same_task_goes_on_though_a_new_version_knows_more_fields(output):
    interrupt(output(), "a/1.png")
    with output(request={**REQUEST, "new": None}) as folder:
        assert folder.result is None and (folder.path / "a" / "1.png").exists()
        folder.complete({"made": 2})
    with output(request={**REQUEST, "new": None}) as folder:
        assert folder.result == {"made": 2}


def test_output_folder_a_changed_input_is_not_mixed_with_what_was_made_of_the_old_one(output, tmp_path):
    interrupt(output(), "a/1.png")
    with pytest.raises(RunError, match="has changed since"), output(plan="another"):
        pass
    assert (tmp_path / "out" / "a" / "1.png").exists()
    with output() as folder:
        folder.complete({})


def test_output_folder_a_result_that_was_removed_is_made_again(output, tmp_path):
    (tmp_path / "out").mkdir()
    with output() as folder:
        make(folder, *PLANNED)
        folder.complete({"stats": 1})
    for name in PLANNED:
        (tmp_path / "out" / name).unlink()
    (tmp_path / "out" / "a").rmdir()
    with pytest.raises(RunCancelled), output() as folder:
        assert folder.result is None
        raise RunCancelled
    assert list((tmp_path / "out").iterdir()) == []


def test_output_folder_a_link_in_place_of_the_runs_folder_is_refused(output, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "a.token").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".rfuav-run").symlink_to(tmp_path / "precious")
    assert holds_files(tmp_path / "out")
    with pytest.raises(RunError, match="is a link"), output():
        pass
    assert [file.name for file in (tmp_path / "precious").iterdir()] == ["a.token"]


def test_output_folder_files_of_others_are_refused_and_left_alone(output, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="already holds files"), output():
        pass
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("error", [RunCancelled(), RunError("disk full"), ValueError()])
def test_output_folder_a_run_that_is_given_up_leaves_nothing(output, tmp_path, error):
    with pytest.raises(type(error)), output() as folder:
        make(folder, "a/1.png", f"a/{HALF}")
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RunInterrupted(), RunLost("two workers died")])
def test_output_folder_an_interrupted_run_leaves_the_folder_unfinished_and_its_workers_without_a_permit(
    output, tmp_path, error
):
    with pytest.raises(type(error)), output() as folder:
        make(folder, "a/1.png")
        raise error
    assert is_unfinished(read_run(tmp_path / "out"), REQUEST)
    with pytest.raises(PermitRevoked), folder.permit.held():
        pass
    with output() as folder:
        assert (folder.path / "a" / "1.png").exists()
        folder.complete({})


def test_output_folder_an_interrupted_run_does_not_wait_for_a_file_that_takes_long(output):
    with pytest.raises(RunInterrupted), output() as folder, folder.permit.held():
        folder.__exit__(RunInterrupted, RunInterrupted(), None)
        raise RunInterrupted


def test_output_folder_giving_up_removes_nothing_of_others_and_no_folder_that_was_there(output, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(RunCancelled), output() as folder:
        make(folder, "a/1.png", "a/mine.txt")
        raise RunCancelled
    assert [file.name for file in (tmp_path / "out" / "a").iterdir()] == ["mine.txt"]
    (tmp_path / "out" / "a" / "mine.txt").unlink()
    (tmp_path / "out" / "a").rmdir()
    with pytest.raises(RunCancelled), output():
        raise RunCancelled
    assert list((tmp_path / "out").iterdir()) == []


def test_output_folder_a_run_waits_for_the_end_of_an_earlier_run_of_the_same_task(output):
    has_entered = threading.Event()

    def go_on():
        with output() as folder:
            has_entered.set()
            folder.complete({})

    later = threading.Thread(target=go_on)
    with pytest.raises(KeyboardInterrupt), output():
        later.start()
        assert not has_entered.wait(0.3)
        raise KeyboardInterrupt
    later.join(10)
    assert has_entered.is_set()


def test_output_folder_two_runs_cannot_write_into_one_folder(output):
    with output() as folder:
        with pytest.raises(RunError, match="another task is writing"), output(run_id="another"):
            pass
        with folder.permit.held():
            pass
        folder.complete({})


def test_output_folder_whoever_empties_the_folder_waits_for_a_file_that_is_being_written(output, tmp_path):
    is_writing, may_end = threading.Event(), threading.Event()
    folder = output()
    folder.__enter__()

    def write():
        with folder.permit.held(), replacing(folder.path / "a" / "1.png") as temporary:
            is_writing.set()
            assert may_end.wait(30)
            temporary.write_text("whole")

    worker = threading.Thread(target=write)
    worker.start()
    assert is_writing.wait(30)
    giving_up = threading.Thread(target=folder.__exit__, args=(RunCancelled, RunCancelled(), None))
    giving_up.start()
    may_end.set()
    for thread in (worker, giving_up):
        thread.join(30)
    assert not (tmp_path / "out").exists()
    with pytest.raises(PermitRevoked), folder.permit.held():
        pass


def test_output_folder_a_permit_ends_with_the_run_and_with_the_next_life_of_it(output):
    with pytest.raises(KeyboardInterrupt), output() as folder:
        old = folder.permit
        raise KeyboardInterrupt
    with output() as folder:
        with pytest.raises(PermitRevoked), old.held():
            pass
        with folder.permit.held():
            pass
        folder.complete({})
    with pytest.raises(PermitRevoked), folder.permit.held():
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe"])
def test_output_folder_a_damaged_note_is_no_note(tmp_path, content):
    (tmp_path / ".rfuav-run").mkdir()
    (tmp_path / ".rfuav-run" / "run.json").write_bytes(content)
    assert read_run(tmp_path) is None
    assert not holds_files(tmp_path)
