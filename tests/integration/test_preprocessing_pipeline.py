"""The pipeline of preprocessing: interrupted, with workers that die, with a bug."""

import hashlib
import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ray import cloudpickle

from preprocessing import crop
from preprocessing.pipeline import blocks
from preprocessing.pipeline import driver as pipeline
from preprocessing.pipeline.driver import Workers, make_files
from preprocessing.pipeline.output_folder import OutputFolder
from preprocessing.pipeline.worker import Doubtful, Item, Work, one_target
from rfuav_ray.api.requests import ImageCropRequest
from rfuav_ray.errors import RunError, RunInterrupted, RunLost
from rfuav_ray.events import RunEvent, ignore
from rfuav_ray.files import write_text
from rfuav_ray.images.files import read_pixels, write_pixels
from rfuav_ray.outputs.manifest import RUN_FOLDER, read_finished, read_run

ITEMS = [Item(source=f"{number:03}", target=f"{number:03}.txt") for number in range(200)]
#: of a key derivation that takes a worker about a tenth of a second
SLOW_STEPS = 100_000


pytestmark = pytest.mark.usefixtures("ray_with_this_module")


@pytest.fixture(scope="module")
def ray_with_this_module(service):
    """The session's Ray; its workers cannot import a module of tests, so that its functions travel whole."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def make(item: Item, folder: Path, *, what: str = "") -> Doubtful:
    if what == "slow":
        hashlib.pbkdf2_hmac("sha256", b"", b"", SLOW_STEPS)
    if item.source == "150":
        if what == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "has a bug":
            raise ZeroDivisionError
    write_text(folder / item.target, what)
    return Doubtful()


def state_of(path: Path) -> str:
    last = read_run(path)
    assert last is not None
    state: str = last["state"]
    return state


def run(path: Path, report=ignore, what=""):
    """One life of a run."""
    names = [item.target for item in ITEMS]
    with OutputFolder(path, request={}, run_id="task", planned=lambda: names) as output:
        work = Work(
            targets=one_target, make=partial(make, what=what), inputs=lambda item: item.source, largest_block=100
        )
        tally = make_files(ITEMS, work, output, noun="files", workers=Workers(2, 0.5), report=report)
        output.complete({})
        return tally


def made(path: Path) -> set[Path]:
    return set(path.glob("*.txt"))


def test_pipeline_ends_at_once_when_interrupted_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "PARTS_PER_WORKER", 1)  # a block of 100 files takes 10 s
    path = tmp_path / "out"

    def interrupt(event: RunEvent) -> None:
        if event.progress and read_finished(path / RUN_FOLDER):
            raise RunInterrupted

    with pytest.raises(RunInterrupted):
        run(path, interrupt, "slow")
    assert state_of(path) == "unfinished"
    finished = [path / ITEMS[number].target for number in read_finished(path / RUN_FOLDER)]
    before = {file: file.stat().st_mtime_ns for file in finished}
    assert 0 < len(before) < len(ITEMS)
    assert run(path).done == len(ITEMS)
    assert len(made(path)) == len(ITEMS)
    assert all(file.stat().st_mtime_ns == moment for file, moment in before.items())


def test_pipeline_resumes_with_changed_inputs_and_says_so(tmp_path, monkeypatch):
    """One of them was finished, one had failed, and one is mended."""
    monkeypatch.setattr(pipeline, "FLUSH_EVERY_S", 0.0)
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(300):
        write_pixels(source / f"{number:03}.bmp", np.full((50, 50, 3), number % 256, np.uint8))
    (source / "001.bmp").write_bytes(b"damaged")
    (source / "002.bmp").write_bytes(b"damaged")
    request = ImageCropRequest(input_path=str(source), output_path=str(output), width=10, height=10, x=0, y=0)
    events: list[RunEvent] = []

    def interrupt(event: RunEvent) -> None:
        if len(read_finished(output / RUN_FOLDER)) > 3:
            raise RunInterrupted

    with pytest.raises(RunInterrupted):
        crop.run(request, run_id="task", workers=Workers(1, 0.5), report=interrupt)
    finished = len(read_finished(output / RUN_FOLDER))
    before = (source / "000.bmp").stat()
    write_pixels(source / "000.bmp", np.full((50, 50, 3), 99, np.uint8))
    os.utime(source / "000.bmp", ns=(before.st_atime_ns, before.st_mtime_ns))
    write_pixels(source / "002.bmp", np.full((50, 50, 3), 2, np.uint8))
    result = crop.run(request, run_id="task", workers=Workers(1, 0.5), report=events.append)
    assert result["stats"] == {"total_images": 300, "success": 299, "failed": 1}
    assert [failure["file"] for failure in result["failures"]] == ["001.bmp"]
    assert (read_pixels(output / "000.bmp") == 99).all() and (read_pixels(output / "002.bmp") == 2).all()
    messages = [event.message for event in events]
    assert f"{finished} images were finished before the interruption." in messages
    assert "The inputs of 2 images have changed since the interruption: they were made again." in messages


@pytest.mark.long
def test_pipeline_with_dying_workers_loses_the_run_but_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "BLOCK_RETRIES", 1)
    path = tmp_path / "out"
    with pytest.raises(RunLost, match="2 times on the same files"):
        run(path, what="dies")
    assert state_of(path) == "unfinished"
    assert made(path)
    assert run(path).done == len(ITEMS)


def test_pipeline_with_a_bug_fails_with_the_reason_and_leaves_nothing(tmp_path):
    with pytest.raises(RunError, match="ZeroDivisionError"):
        run(tmp_path / "out", what="has a bug")
    assert not (tmp_path / "out").exists()
