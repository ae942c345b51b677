"""Writes to a bucket that fail, hang, or go on what an earlier run has left."""

import threading

import pytest

from rfuav_ray.errors import RunCancelled, RunError
from rfuav_ray.events import RunEvent, ignore
from rfuav_ray.objects.uploading import Destination
from rfuav_ray.objects.urls import ObjectUrl

pytestmark = pytest.mark.long
MARK = ".rfuav-run/run.json"


@pytest.fixture
def files(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.bin").write_bytes(b"x")
    return [f"{number}.bin" for number in range(20)]


def left_of(storage, prefix):
    """The objects below a prefix, without the empty ones of folders."""
    names = {key.removeprefix(f"{prefix}/") for key in storage.content("lab") if key.startswith(f"{prefix}/")}
    return {name for name in names if name and not name.endswith("/")}


def test_upload_looks_unfinished_until_its_last_object_is_there(storage, tmp_path, way):
    storage.bucket("lab", {})
    for name in ("a.bin", "best_model.pth"):
        (tmp_path / name).write_bytes(b"x")
    destination = Destination(ObjectUrl("lab/up/one"), "task", ignore)
    destination.begin(is_first=True)
    seen: list[tuple[str, bytes]] = []
    way.before = lambda method, path: seen.append((path, storage.content("lab")["up/one/.rfuav-run/run.json"]))
    destination.upload(tmp_path, ["best_model.pth", "a.bin"], ["best_model.pth"])
    destination.complete({"stats": 1})
    assert all(b'"unfinished"' in mark for _, mark in seen)
    puts = [path.partition("?")[0] for method, path in way.requests if method in {"PUT", "POST"}]
    assert [path.rpartition("/")[2] for path in dict.fromkeys(puts)] == ["run.json", "a.bin", "best_model.pth"]
    assert b'"complete"' in storage.content("lab")["up/one/.rfuav-run/run.json"]
    with pytest.raises(RunError, match=r"'s3://lab/up/one' holds objects already .* of the task 'task'"):
        Destination(ObjectUrl("lab/up/one"), "other", ignore).begin(is_first=True)


def test_upload_that_fails_is_discarded(storage, tmp_path, way):
    storage.bucket("lab", {"up/others.bin": b"o"})
    for number in range(20):
        (tmp_path / f"{number}.bin").write_bytes(b"x")
    destination = Destination(ObjectUrl("lab/up/two"), "task", ignore)
    destination.begin(is_first=True)
    way.before = lambda method, _path: setattr(way, "refusal", "ExpiredToken" if method == "PUT" else "")
    with pytest.raises(RunError, match="access is refused"):
        destination.upload(tmp_path, [f"{number}.bin" for number in range(20)])
    way.before, way.refusal = lambda *_: None, ""
    destination.discard(keep_mark=False)
    left = storage.content("lab")
    assert "up/others.bin" in left
    assert not [key for key in left if key.startswith("up/two/") and not key.endswith("/")]


def test_upload_that_cannot_write_says_so_at_once(storage, tmp_path, way):
    storage.bucket("lab", {})
    with pytest.raises(RunError, match=r"there is no bucket 'nolab'"):
        Destination(ObjectUrl("nolab/up"), "task", ignore).begin(is_first=True)
    way.before = lambda method, _path: setattr(way, "refusal", "AccessDenied" if method == "PUT" else "")
    with pytest.raises(RunError, match="access is refused"):
        Destination(ObjectUrl("lab/readonly"), "task", ignore).begin(is_first=True)


def test_upload_whose_objects_cannot_be_deleted_stays_marked_and_says_how_many(storage, tmp_path, way, files):
    storage.bucket("lab", {})
    destination = Destination(ObjectUrl("lab/up/kept"), "task", ignore)
    destination.begin(is_first=True)
    destination.upload(tmp_path, files)
    way.refusal, way.refused_methods = "AccessDenied", ("DELETE",)
    assert destination.discard(keep_mark=False) == 20
    assert left_of(storage, "up/kept") == {*files, MARK}


def test_upload_that_hangs_when_the_run_is_cancelled_stays_marked(storage, tmp_path, way, files):
    storage.bucket("lab", {})
    hangs, released = threading.Event(), threading.Event()

    def hang(method: str, path: str) -> None:
        if method == "PUT" and "/7.bin" in path:
            hangs.set()
            released.wait(60)

    def cancel(_event: RunEvent) -> None:
        if hangs.is_set():
            raise RunCancelled

    destination = Destination(ObjectUrl("lab/up/hangs"), "task", cancel)
    destination.begin(is_first=True)
    way.before = hang
    with pytest.raises(RunCancelled):
        destination.upload(tmp_path, files)
    assert destination.discard(keep_mark=False) == 1
    assert MARK in left_of(storage, "up/hangs")
    released.set()


def test_upload_of_a_later_run_keeps_nothing_that_it_did_not_write(storage, tmp_path, files):
    storage.bucket("lab", {})
    for is_first, names in ((True, files), (False, files[:3])):
        destination = Destination(ObjectUrl("lab/up/again"), "task", ignore)
        destination.begin(is_first=is_first)
        destination.upload(tmp_path, names)
    destination.complete(None)
    assert left_of(storage, "up/again") == {*files[:3], MARK}


def test_upload_of_a_later_run_asks_again_when_the_storage_is_busy(storage, tmp_path, way, files, monkeypatch):
    monkeypatch.setattr("rfuav_ray.objects.access.TRIES", 1)
    storage.bucket("lab", {})
    Destination(ObjectUrl("lab/up/busy"), "task", ignore).begin(is_first=True)
    way.cuts_left = 2
    destination = Destination(ObjectUrl("lab/up/busy"), "task", ignore)
    destination.begin(is_first=False)
    destination.upload(tmp_path, files)
    destination.complete(None)
    assert left_of(storage, "up/busy") == {*files, MARK}


def test_upload_of_a_name_that_is_no_key_writes_nothing(storage, tmp_path, files):
    storage.bucket("lab", {})
    destination = Destination(ObjectUrl("lab/up/odd"), "task", ignore)
    destination.begin(is_first=True)
    with pytest.raises(RunError, match="is not UTF-8"):
        destination.upload(tmp_path, [*files, "caf\udce9.bin"])
    assert left_of(storage, "up/odd") == {MARK}
