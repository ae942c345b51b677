import os
import sys

import pytest

from actors.memory import run_processes as noted
from actors.memory.run_processes import RunProcess, notes_folder, run_processes, works_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the memory guard works on Linux alone")


@pytest.fixture(autouse=True)
def oom_score(monkeypatch, tmp_path):
    """This process must not become the first that the kernel ends."""
    monkeypatch.setattr(noted, "OOM_SCORE", tmp_path / "oom_score_adj")
    return tmp_path / "oom_score_adj"


@pytest.fixture
def node_id():
    node = f"test-{os.getpid()}"
    yield node
    folder = notes_folder(node)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def test_works_for_is_seen_while_it_lasts(node_id, oom_score):
    with works_for("task:1", node_id):
        assert run_processes(notes_folder(node_id)) == [RunProcess(os.getpid(), "task:1")]
        assert oom_score.read_text() == "1000"
        assert notes_folder(node_id).parent.stat().st_mode & 0o077 == 0
    assert run_processes(notes_folder(node_id)) == []


def test_run_processes_leave_out_what_has_ended_and_other_processes_with_the_same_number(node_id):
    with works_for("task:1", node_id):
        folder = notes_folder(node_id)
        (folder / str(os.getppid())).write_text("1.5 task:2")
        (folder / "999999999").write_text("1.5 task:3")
        (folder / "12").write_text("")
        assert [process.run_id for process in run_processes(folder)] == ["task:1"]
        assert not (folder / str(os.getppid())).exists()


def test_run_processes_is_empty_before_the_first_run(tmp_path):
    assert run_processes(tmp_path / "missing") == []


def test_works_for_goes_on_where_it_cannot_be_noted(node_id, monkeypatch, caplog):
    with works_for("task:0", node_id):
        pass

    def missing(node_id):
        raise PermissionError(13, "no", "/x")

    monkeypatch.setattr(noted, "notes_folder", missing)
    with works_for("task:1", node_id):
        assert "the memory guard cannot see this process" in caplog.text
