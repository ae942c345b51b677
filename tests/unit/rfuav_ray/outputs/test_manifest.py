"""The note of the finished items: whole, cut off and damaged."""

import pytest

from rfuav_ray.outputs.manifest import FINISHED_FILE, Finished, FinishedLog, read_finished

ITEMS = [(0, Finished("a" * 64)), (1, Finished("", failure="'ü' is damaged")), (2, Finished("c", bad_samples=3))]


@pytest.fixture
def note(tmp_path):
    def note_items(*items):
        log = FinishedLog(tmp_path)
        log.add(items)
        log.close()

    return note_items


def test_manifest_what_is_noted_is_read(note, tmp_path):
    assert read_finished(tmp_path) == {}
    note(*ITEMS[:2])
    note(ITEMS[2])
    assert read_finished(tmp_path) == dict(ITEMS)


def test_manifest_a_newer_line_wins(note, tmp_path):
    note(ITEMS[0], (0, Finished("new")))
    assert read_finished(tmp_path) == {0: Finished("new")}


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_manifest_a_line_that_was_cut_off_is_ignored_and_spoils_no_other(note, tmp_path, cut):
    note(*ITEMS)
    file = tmp_path / FINISHED_FILE
    file.write_bytes(file.read_bytes()[:-cut])
    left = read_finished(tmp_path)
    assert left.items() <= dict(ITEMS).items() and left[0] == ITEMS[0][1]
    note((3, Finished("d")))
    assert read_finished(tmp_path) == left | {3: Finished("d")}


@pytest.mark.parametrize(
    "line", [b"\0" * 50, b"\xff\xfe", b"7", b"[]", b"[[1], 2]", b'{"a": 1}', b"[1, 2, 3, 4, 5, 6]"]
)
def test_manifest_damaged_lines_are_ignored(note, tmp_path, line):
    note(ITEMS[0])
    with (tmp_path / FINISHED_FILE).open("ab") as file:
        file.write(line + b"\n")
    note(ITEMS[2])
    assert read_finished(tmp_path) == {0: ITEMS[0][1], 2: ITEMS[2][1]}
