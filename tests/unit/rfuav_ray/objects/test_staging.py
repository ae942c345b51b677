import os
import threading
from pathlib import Path

import pytest

from rfuav_ray.errors import RunCancelled, RunError
from rfuav_ray.events import ignore
from rfuav_ray.objects.access import ObjectSettings
from rfuav_ray.objects.staging import staged
from tests.support.object_storage import leading_to

pytestmark = pytest.mark.unit


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def copies(settings: ObjectSettings) -> int:
    return len([file for file in (settings.cache_dir / "objects").rglob("*") if file.is_file()])


def test_staged_objects_are_files_and_stay_in_the_cache(storage, settings):
    storage.bucket("lab", {"ds/train/a/1.png": b"one", "ds/train/b/x/2.png": b"two", "ds/dataset.yaml": b"card"})
    events = []
    for _ in range(2):
        with staged({"train_path": "s3://lab/ds/train"}, "task", settings, events.append) as here:
            folder = Path(here.paths["train_path"])
            assert files_below(folder) == {"a/1.png": b"one", "b/x/2.png": b"two"}
            assert (folder.parent / "dataset.yaml").read_bytes() == b"card"
            assert here.names[str(folder)] == "s3://lab/ds/train"
        assert not here.folder.exists()
    told = [event.message for event in events if event.message]
    assert told == [
        "'s3://lab/ds/train': 3 objects, 0 of them in the cache.",
        "'s3://lab/ds/train': 3 objects, 3 of them in the cache.",
    ]
    assert copies(settings) == 3


def test_staged_a_single_object_is_a_file(storage, settings):
    storage.bucket("lab", {"one/flight.iq": b"12345678"})
    with staged({"source_path": "s3://lab/one/flight.iq"}, "task", settings, ignore) as here:
        assert Path(here.paths["source_path"]).read_bytes() == b"12345678"


def test_staged_what_was_replaced_is_copied_again_even_within_a_second(storage, settings):
    for content in (b"old", b"new"):
        storage.bucket("lab", {"fresh/1.png": content}, age_s=0)
        with staged({"source_path": "s3://lab/fresh"}, "task", settings, ignore) as here:
            assert files_below(Path(here.paths["source_path"])) == {"1.png": content}


def test_staged_the_cache_stays_within_its_bound_and_keeps_what_runs_use(storage, settings):
    storage.bucket("lab", {f"{name}/x.bin": bytes(400_000) for name in "abcd"})
    with staged({"source_path": "s3://lab/a"}, "one", settings, ignore) as first:
        for name in "bc":
            with staged({"source_path": f"s3://lab/{name}"}, "two", settings, ignore):
                pass
        assert copies(settings) == 2
        assert files_below(Path(first.paths["source_path"]))
        with (
            staged({"source_path": "s3://lab/b"}, "two", settings, ignore),
            pytest.raises(RunError, match=r"'s3://lab/d' needs 400 kB more .* room for 200 kB: CACHE_GB is 1 MB"),
            staged({"source_path": "s3://lab/d"}, "three", settings, ignore),
        ):
            pass


def test_staged_the_links_of_a_killed_run_hold_nothing(storage, settings):
    storage.bucket("lab", {f"{name}/x.bin": bytes(900_000) for name in "ab"})
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:  # ends without leaving the block
        os.write(writer, b"x")
        os._exit(0)
    os.waitpid(child, 0)
    with staged({"source_path": "s3://lab/a"}, "gone", settings, ignore) as here:
        left = settings.cache_dir / "trees" / "killed.d"
        left.mkdir()
        os.link(Path(here.paths["source_path"], "x.bin"), left / "x.bin")
        left.with_suffix(".lock").touch()
    os.close(reader)
    os.close(writer)
    with staged({"source_path": "s3://lab/b"}, "next", settings, ignore):
        assert not left.exists()
        assert copies(settings) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s3://lab/none", "'s3://lab/none' is not there any more"),
        ("s3://nolab/x", "outside the buckets"),
    ],
)
def test_staged_what_is_missing_is_named(storage, settings, url, reason):
    storage.bucket("lab", {})
    with pytest.raises(Exception, match=reason), staged({"source_path": url}, "task", settings, ignore):
        pass


def test_staged_a_cancel_ends_it_and_leaves_nothing(storage, settings):
    storage.bucket("lab", {f"many/{number}.png": b"x" for number in range(50)})

    def cancel(_event: object) -> None:
        raise RunCancelled

    with pytest.raises(RunCancelled), staged({"source_path": "s3://lab/many"}, "task", settings, cancel):
        pass
    assert not list((settings.cache_dir / "trees").iterdir())


def test_staged_an_object_whose_name_is_no_file_is_left_out_with_a_warning(storage, settings):
    storage.bucket("lab", {"odd/a": b"x", "odd/a/b.png": b"y", f"odd/{'n' * 300}": b"z", "odd/../up.png": b"u"})
    events = []
    with staged({"source_path": "s3://lab/odd"}, "task", settings, events.append) as here:
        assert files_below(Path(here.paths["source_path"])) == {"a/b.png": b"y"}
    warnings = " ".join(event.message for event in events if event.level == "WARNING")
    assert "left out" in warnings and "nnn" in warnings and "../…" in warnings


def test_staged_names_never_lead_out_of_the_folder_of_the_run(storage, settings):
    keys = [
        "x/../../../../etc/p",
        "x//abs/p",
        "x/./p",
        "x/c\x01\n.png",
        "x/A",
        "x/a",
        "x/e\u0301",
        "x/\u00e9",
        "x/back\\slash",
    ]
    storage.bucket("lab", {f"strange/{key}": key.encode() for key in keys})
    events = []
    with staged({"source_path": "s3://lab/strange"}, "task", settings, events.append) as here:
        folder = Path(here.paths["source_path"])
        wanted = {key for key in keys if key.isprintable() and not {"", ".", ".."} & set(key.split("/"))}
        assert files_below(folder) == {key: key.encode() for key in wanted}
        assert len(wanted) == 5
    outside = [
        path for path in settings.cache_dir.parent.rglob("*") if not path.is_relative_to(settings.cache_dir)
    ]
    assert not outside
    assert [event.level for event in events if "left out" in event.message] == ["WARNING"]


def test_staged_two_runs_share_copies_and_neither_loses_its_own(storage, settings):
    storage.bucket("lab", {f"shared/{number}.bin": bytes(1000) for number in range(20)})
    storage.bucket("lab", {"other/x.bin": bytes(990_000)})
    with staged({"source_path": "s3://lab/shared"}, "one", settings, ignore) as one:
        with staged({"source_path": "s3://lab/shared"}, "two", settings, ignore) as two:
            assert copies(settings) == 20
            own = Path(two.paths["source_path"])
        with pytest.raises(RunError, match="CACHE_GB"), staged({"x": "s3://lab/other"}, "big", settings, ignore):
            pass
        assert len(files_below(Path(one.paths["source_path"]))) == 20
        assert not own.exists()
    with staged({"x": "s3://lab/other"}, "big", settings, ignore):
        assert sum(file.stat().st_size for file in (settings.cache_dir / "objects").rglob("*")) < 1_100_000


def test_staged_a_storage_that_does_not_answer_is_named_without_credentials(storage, settings, monkeypatch):
    monkeypatch.setattr("rfuav_ray.objects.access.TRIES", 1)
    monkeypatch.setattr("rfuav_ray.objects.access.PAUSES_S", (0.05,))
    gone = storage.environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with (
        leading_to(gone),
        pytest.raises(RunError, match=r"cannot be reached .* AWS_ENDPOINT_URL") as raised,
        staged({"source_path": "s3://lab/ds"}, "task", settings, ignore),
    ):
        pass
    assert storage.environment["AWS_SECRET_ACCESS_KEY"] not in str(raised.value)
    assert threading.active_count() < 100
