import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rfuav_ray.errors import RunCancelled, RunError
from rfuav_ray.events import ignore
from rfuav_ray.objects.staging import staged
from tests.support.object_storage import SECRET, leading_to
from tests.support.small_disk import mounting

pytestmark = pytest.mark.long


def content(folder: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path(folder).rglob("*.bin")}


def test_staged_goes_on_after_cut_connections_and_latency(storage, settings, way):
    objects = {f"cut/{number}.bin": os.urandom(20_000) for number in range(20)}
    storage.bucket("lab", objects)
    way.latency_s = 0.05
    way.cuts_left = 5
    with staged({"source_path": "s3://lab/cut"}, "task", settings, ignore) as here:
        assert content(here.paths["source_path"]) == {key[4:]: value for key, value in objects.items()}
    assert way.cuts_left == 0


def test_staged_a_connection_that_is_always_cut_is_named(storage, settings, way):
    storage.bucket("lab", {"cut/0.bin": b"12345678"})
    way.cuts_left = 10**9
    with (
        pytest.raises(RunError, match=r"'s3://lab/cut.*' cannot be (reached|used)"),
        staged({"source_path": "s3://lab/cut"}, "task", settings, ignore),
    ):
        pass


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "AccessDenied", "SignatureDoesNotMatch"])
def test_staged_credentials_that_end_meanwhile_are_named_and_not_shown(storage, settings, way, code):
    storage.bucket("lab", {f"expire/{number}.bin": b"x" for number in range(100)})

    def expire(method: str, path: str) -> None:
        if len(way.requests) > 50:
            way.refusal = code

    way.before = expire
    with (
        pytest.raises(RunError, match=r"access is refused.*missing, wrong or expired") as raised,
        staged({"source_path": "s3://lab/expire"}, "task", settings, ignore),
    ):
        pass
    assert SECRET not in str(raised.value) and "AKIA" not in str(raised.value)
    assert not list((settings.cache_dir / "trees").iterdir())


def test_staged_an_object_that_is_replaced_once_while_it_is_read_is_read_again(storage, settings, way):
    storage.bucket("lab", {"live/a.bin": b"old" * 1000})
    events = []

    def change(method: str, path: str) -> None:
        if method == "GET" and path.endswith("a.bin") and not events:
            events.append("replaced")
            storage.bucket("lab", {"live/a.bin": b"new" * 1000}, age_s=1000)

    way.before = change
    told = []
    with staged({"source_path": "s3://lab/live"}, "task", settings, told.append) as here:
        assert content(here.paths["source_path"]) == {"a.bin": b"new" * 1000}
    warnings = [event.message for event in told if event.level == "WARNING"]
    assert any("changed after they were listed" in message and "a.bin" in message for message in warnings)


def test_staged_an_object_that_always_changes_is_named(storage, settings, way, monkeypatch):
    monkeypatch.setattr("rfuav_ray.objects.copying.PAUSE_OF_CHANGING_S", 0.01)
    storage.bucket("lab", {"live/b.bin": b"0"})

    def change(method: str, path: str) -> None:
        if method == "GET" and path.endswith("b.bin"):
            storage.bucket("lab", {"live/b.bin": b"n" + os.urandom(7)})

    way.before = change
    with (
        pytest.raises(RunError, match=r"'s3://lab/live/b.bin' changes while it is read"),
        staged({"source_path": "s3://lab/live"}, "task", settings, ignore),
    ):
        pass


def test_staged_a_full_disk_of_the_cache_is_named(storage, settings, tmp_path):
    storage.bucket("lab", {"full/x.bin": bytes(900_000)})
    with mounting(tmp_path / "disk") as mount:
        cache = mount(1)
        (cache / "filler").write_bytes(bytes(400_000))
        small = replace(settings, cache_dir=cache)
        with (
            pytest.raises(
                RunError, match=rf"needs 900 kB more, and the disk of CACHE_DIR \('{cache}'\) has .* free"
            ),
            staged({"source_path": "s3://lab/full"}, "task", small, ignore),
        ):
            pass


def test_staged_a_disk_that_others_fill_meanwhile_is_named(storage, settings, tmp_path, way):
    storage.bucket("lab", {"filled/y.bin": bytes(900_000)})
    with mounting(tmp_path / "disk") as mount:
        cache = mount(1)

        def fill(method: str, path: str) -> None:
            if method == "GET" and path.endswith("y.bin"):
                (cache / "filler").write_bytes(bytes(400_000))

        way.before = fill
        with (
            pytest.raises(RunError, match=rf"the disk of CACHE_DIR \('{cache}'\) is full"),
            staged({"source_path": "s3://lab/filled"}, "task", replace(settings, cache_dir=cache), ignore),
        ):
            pass


def test_staged_a_cancel_does_not_wait_for_a_storage_that_hangs(storage, settings, way):
    storage.bucket("lab", {f"hang/{number}.bin": b"x" for number in range(50)})
    released, hangs = threading.Event(), threading.Event()

    def hang(method: str, path: str) -> None:
        if "hang/" in path and path.endswith(".bin"):
            hangs.set()
            released.wait(60)

    def cancel(_event: object) -> None:
        if hangs.is_set():
            raise RunCancelled

    way.before = hang
    began_s = time.monotonic()
    with pytest.raises(RunCancelled), staged({"source_path": "s3://lab/hang"}, "task", settings, cancel):
        pass
    took_s = time.monotonic() - began_s
    released.set()
    # The storage would have hung for a minute.
    assert took_s < 30
    assert not list((settings.cache_dir / "trees").iterdir())


def test_staged_a_storage_that_is_not_there_is_no_refusal_whatever_the_objects_are_called(settings, monkeypatch):
    monkeypatch.setattr("rfuav_ray.objects.access.TRIES", 1)
    monkeypatch.setattr("rfuav_ray.objects.access.PAUSES_S", (0.05,))
    with (
        leading_to({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
        pytest.raises(RunError, match="cannot be reached"),
        staged({"source_path": "s3://lab/RF_SIGNATURES/Token/ACCESS_DENIED"}, "task", settings, ignore),
    ):
        pass


def test_staged_an_object_that_gets_shorter_while_it_is_read_is_read_again(storage, settings, way, monkeypatch):
    monkeypatch.setattr("rfuav_ray.objects.copying.CHUNK_BYTES", 100_000)
    monkeypatch.setattr("rfuav_ray.objects.copying.PAUSE_OF_CHANGING_S", 0.01)
    storage.bucket("lab", {"short/a.bin": b"o" * 300_000})
    reads = []

    def change(method: str, path: str) -> None:
        if method == "GET" and path.endswith("a.bin"):
            reads.append(path)
            if len(reads) == 2:
                storage.bucket("lab", {"short/a.bin": b"n" * 10}, age_s=1000)

    way.before = change
    with staged({"source_path": "s3://lab/short"}, "task", settings, ignore) as here:
        assert content(here.paths["source_path"]) == {"a.bin": b"n" * 10}


def test_staged_a_young_object_is_read_once(storage, settings, way):
    storage.bucket("lab", {"young/a.bin": b"y" * 1000}, age_s=5)
    for task in ("one", "two"):
        with staged({"source_path": "s3://lab/young"}, task, settings, ignore) as here:
            assert content(here.paths["source_path"]) == {"a.bin": b"y" * 1000}
    reads = [path for method, path in way.requests if method == "GET" and path.endswith("a.bin")]
    assert len(reads) == 1


def test_staged_workers_of_a_task_copy_what_they_share_once(storage, settings, way):
    storage.bucket("lab", {f"workers/{number}.bin": bytes(20_000) for number in range(30)})
    names, failures = ["task", "task~1", "task~2"], []
    together = threading.Barrier(len(names))

    def work(name: str) -> None:
        try:
            # All of it fits once.
            with staged({"source_path": "s3://lab/workers"}, name, settings, ignore) as here:
                assert len(content(here.paths["source_path"])) == 30
                together.wait(60)
        except BaseException as error:
            failures.append(error)
            together.abort()

    workers = [threading.Thread(target=work, args=(name,)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    reads = [path for method, path in way.requests if method == "GET" and path.endswith(".bin")]
    assert len(reads) == 30
    assert not list((settings.cache_dir / "trees").iterdir())
