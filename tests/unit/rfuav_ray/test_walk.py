"""Which images a folder has, what is left out, and where links may lead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rfuav_ray.events import RunEvent
from rfuav_ray.walk import LeftOut, find_images, tell_left_out


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def found(folder: Path, *roots: Path) -> tuple[list[str], LeftOut]:
    left_out = LeftOut()
    images = find_images(folder, roots=roots, left_out=left_out)
    return [image.relative_to(folder).as_posix() for image in images], left_out


def test_walk_images_are_found_at_any_depth_in_any_case(tmp_path: Path) -> None:
    names = ["b.JPG", "d e.jpeg", "sub/a.png", "sub/deep/c.bmp", "t.TIF", "u.tiff", "w.WebP", "飞.png"]
    assert found(make(tmp_path, *names))[0] == names


def test_walk_what_is_left_out_is_counted_and_named_by_reason(tmp_path: Path) -> None:
    make(
        tmp_path, "a.png", "1.iq", "2.iq", "3.iq", "sub/4.IQ", "notes.txt", "README", ".hidden.png", ".cache/x.png"
    )
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    images, left_out = found(tmp_path)
    assert images == ["a.png"]
    assert left_out.counts == {"other_suffix": 6, "hidden": 2, "broken_link": 1}
    sentence = left_out.describe(tmp_path)
    assert sentence.startswith(f"9 files or folders of '{tmp_path}' are not used: 6 with other suffixes (.iq 4, ")
    for part in (".txt 1", "none 1", "1.iq, 2.iq, 3.iq, …", "2 hidden (.cache, .hidden.png)", "gone.png"):
        assert part in sentence


def test_walk_what_nobody_misses_is_not_counted(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "dataset.yaml", "Thumbs.db", ".DS_Store", "._a.png", "__MACOSX/._a.png", "desktop.ini")
    make(tmp_path, ".rfuav-run/run.json", "predictions.csv", "predictions.index", f".{'0' * 32}.tmp.png")
    images, left_out = found(tmp_path)
    assert images == ["a.png"] and not left_out.counts
    assert left_out.describe(tmp_path) == ""


def test_walk_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    make(tmp_path / "store", "x/1.png", "2.png")
    source = make(tmp_path / "source", "0.png")
    (source / "linked").symlink_to(tmp_path / "store" / "x")
    (source / "2.png").symlink_to("../store/2.png")
    for roots in ([], [tmp_path], [tmp_path / "other", tmp_path / "store"]):
        images, left_out = found(source, *roots)
        assert images == ["0.png", "2.png", "linked/1.png"] and not left_out.counts


def test_walk_links_out_of_the_roots_are_left_out_and_named(tmp_path: Path) -> None:
    make(tmp_path / "root-other", "x/1.png", "2.png")
    source = make(tmp_path / "root" / "source", "0.png")
    (source / "linked").symlink_to(tmp_path / "root-other" / "x")
    (source / "2.png").symlink_to(tmp_path / "root-other" / "2.png")
    # A link within the root to a link that leads out of it.
    (tmp_path / "root" / "step").symlink_to(tmp_path / "root-other")
    (source / "steps").symlink_to("../step")
    images, left_out = found(source, tmp_path / "root")
    assert images == ["0.png"]
    assert left_out.counts == {"outside_roots": 3}
    assert "3 links that lead out of DATA_ROOTS (2.png, linked, steps)" in left_out.describe(source)


@pytest.mark.parametrize("target", [".", "..", "../..", "loop", "sub/back"])
def test_walk_loops_of_links_end(tmp_path: Path, target: str) -> None:
    source = make(tmp_path / "parent" / "source", "a.png", "sub/b.png")
    make(tmp_path / "parent", "not-mine.png")
    (source / "loop").symlink_to(target)
    (source / "sub" / "back").symlink_to("..")
    images, left_out = found(source)
    assert images == ["a.png", "sub/b.png"]
    assert left_out.counts.total() == 2


def test_walk_a_folder_is_read_once_by_its_own_name(tmp_path: Path) -> None:
    source = make(tmp_path, "real/1.png", "real/deep/2.png")
    (source / "a-link").symlink_to("real/deep")
    (source / "z-link").symlink_to("real")
    images, left_out = found(source)
    assert images == ["real/1.png", "real/deep/2.png"]
    assert left_out.counts == {"linked_again": 2}


def test_walk_many_links_to_one_another_are_walked_once(tmp_path: Path) -> None:
    # Each path through them would be more than 10**17.
    for number in range(20):
        make(tmp_path / "store" / str(number), f"{number}.png")
        for other in range(20):
            (tmp_path / "store" / str(number) / f"to{other}").symlink_to(f"../{other}")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "start").symlink_to("../store/0")
    assert len(found(tmp_path / "source")[0]) == 20


def test_walk_what_is_no_file_or_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "locked/b.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "locked").chmod(0)
    try:
        is_root = os.access(tmp_path / "locked", os.R_OK)
        images, left_out = found(tmp_path)
    finally:
        (tmp_path / "locked").chmod(0o700)
    assert images == (["a.png", "locked/b.png"] if is_root else ["a.png"])
    assert left_out.counts == {"unreadable": 1 if is_root else 2}
    with pytest.raises(FileNotFoundError):
        find_images(tmp_path / "nowhere")


def test_walk_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    make(tmp_path, os.fsdecode(b"\xff.txt"))
    sentence = found(tmp_path)[1].describe(tmp_path)
    assert r"\udcff.txt" in sentence and sentence.startswith("1 file or folder")
    sentence.encode()


def test_walk_one_warning_tells_of_all_folders(tmp_path: Path) -> None:
    events: list[RunEvent] = []
    folders = [make(tmp_path / name, f"{name}.txt", ".x") for name in ("one", "two")]
    counted = [(folder, found(folder)[1]) for folder in folders]
    assert tell_left_out(counted, events.append) == {"other_suffix": 2, "hidden": 2}
    (event,) = events
    assert event.level == "WARNING" and "one.txt" in event.message and "two.txt" in event.message
    assert tell_left_out([(tmp_path, LeftOut())], events.append) == {}
    assert len(events) == 1


def test_walk_it_loads_no_torch() -> None:
    code = "import sys, rfuav_ray.walk, rfuav_ray.images.overlap; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
