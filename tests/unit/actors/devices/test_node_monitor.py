"""What the monitor of this node finds on its disk."""

import json

from actors.devices.node_monitor import NodeMonitor


def test_node_monitor_missing_are_the_paths_that_are_not_here(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "file.txt").write_text("text")
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    names = ("here", "gone", "file.txt", "file.txt/below", "broken", "n" * 300)
    paths = [str(tmp_path / name) for name in names]
    missing = NodeMonitor("node", 0, 0.0).missing(paths)
    assert missing == [paths[1], paths[3], paths[4], paths[5]]


def test_node_monitor_weights_that_another_training_has_moved_are_not_missing(tmp_path):
    moved = tmp_path / "previous" / "first"
    moved.mkdir(parents=True)
    (moved / "best_model.pth").write_bytes(b"weights")
    note = {"task_id": "second", "moved": {"task_id": "first", "folder": str(moved), "names": ["best_model.pth"]}}
    (tmp_path / ".training-task.json").write_text(json.dumps(note))
    assert NodeMonitor("node", 0, 0.0).missing([str(tmp_path / "best_model.pth")]) == []
