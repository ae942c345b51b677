"""Runs onto a disk that is full say so, naming the file, and leave nothing half written."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from preprocessing.pipeline.output_folder import OutputFolder
from preprocessing.pipeline.worker import Doubtful, Item, Work, one_target, work_on
from rfuav_ray.errors import RunError, RunInterrupted
from rfuav_ray.events import RunEvent
from rfuav_ray.files import write_content, write_text
from rfuav_ray.images.files import write_image
from rfuav_ray.training import epoch as training_epoch
from rfuav_ray.training.run import train
from tests.support.inference_runs import Run
from tests.support.small_disk import FILLER, FULL, Mount, fill, mounting
from tests.support.training_runs import request, warnings_of

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    with mounting(tmp_path / "disk") as mount:
        yield mount


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {FILLER}


def filling(disk: Path, when: Callable[[RunEvent], bool], events: list[RunEvent]) -> Callable[[RunEvent], None]:
    """A report that keeps the events, and fills the disk once."""

    def report(event: RunEvent) -> None:
        events.append(event)
        if when(event) and not (disk / FILLER).exists():
            fill(disk)

    return report


def test_full_disk_a_file_that_does_not_fit_is_named_and_nothing_of_it_stays(mount: Mount, tmp_path: Path) -> None:
    disk = mount(1)
    (tmp_path / "large").write_bytes(bytes(2**20))
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    fill(disk)
    for name, write in [
        ("notes.txt", lambda path: write_text(path, "some text")),
        ("copy", lambda path: write_content(path, (tmp_path / "large").read_bytes())),
        ("noise.png", lambda path: write_image(path, noise)),
    ]:
        with pytest.raises(OSError, match=FULL) as error:
            write(disk / name)
        assert error.value.filename == str(disk / name)
    assert names_in(disk) == set()


def test_full_disk_a_training_that_does_not_fit_names_its_checkpoint(data: Path, mount: Mount) -> None:
    disk = mount(2)
    with pytest.raises(RunError, match=r"checkpoint\.pt' cannot be written: the disk is full"):
        train(request(data, disk))
    assert names_in(disk) == {"model.yaml"}


def test_full_disk_pictures_that_cannot_be_drawn_do_not_hide_why_the_training_ended(
    data: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_epoch, "CHECKPOINT_EVERY_S", 0.0)
    disk = mount(80)
    events: list[RunEvent] = []
    report = filling(disk, lambda event: event.stage == "epoch_end", events)
    with pytest.raises(RunError, match=r"checkpoint\.pt' cannot be written: the disk is full"):
        train(request(data, disk, num_epochs=2), report=report)
    assert names_in(disk) == {
        *("best_model.pth", "last_model.pth", "checkpoint.pt", "model.yaml", "metrics.csv", "report.json")
    }
    # A part of an epoch that could not be kept is no reason to end.
    assert len(warnings_of(events)) == 4 and "checkpoint_epoch.pt" in warnings_of(events)[0]


def test_full_disk_pictures_that_do_not_fit_are_named(data: Path, mount: Mount) -> None:
    disk = mount(80)
    with pytest.raises(OSError, match=FULL) as error:
        train(request(data, disk), report=filling(disk, lambda event: event.stage == "epoch_end", []))
    assert error.value.filename == str(disk / "curves.png")
    assert not any(name.endswith((".tmp.png", ".tmp")) for name in names_in(disk))


def test_full_disk_an_interruption_that_cannot_be_kept_is_one_all_the_same(data: Path, mount: Mount) -> None:
    disk = mount(2)

    def report(event: RunEvent) -> None:
        if event.stage == "training":
            fill(disk)
            raise RunInterrupted

    with pytest.raises(RunInterrupted):
        train(request(data, disk), report=report)
    assert names_in(disk) == {"model.yaml"}


@pytest.mark.parametrize(("batches", "named"), [(1, ".predictions-"), (2, "predictions.")])
def test_full_disk_an_inference_that_does_not_fit_names_its_file(
    tmp_path: Path, mount: Mount, batches: int, named: str
) -> None:
    run = Run(tmp_path)
    run.add_images(*(f"{index}.png" for index in range(40)))
    run.out = mount(1)
    events: list[RunEvent] = []

    def is_last_that_fits(event: RunEvent) -> bool:
        return sum(event.metrics is not None for event in events) == batches

    with pytest.raises(OSError, match=FULL) as error:
        run.infer(batch_size=20, run_id="task", report=filling(run.out, is_last_that_fits, events))
    assert Path(str(error.value.filename)).name.startswith(named)
    assert names_in(run.out) == set()


def test_full_disk_an_output_folder_that_cannot_be_begun_is_left_as_it_was(mount: Mount) -> None:
    disk = mount(1)
    fill(disk)
    output = OutputFolder(disk / "out", request={}, run_id="task", planned=list)
    with pytest.raises(OSError, match=FULL) as error, output:
        pass
    assert Path(str(error.value.filename)).name == "run.json"
    assert names_in(disk) == set()


def test_full_disk_a_block_of_preprocessing_that_does_not_fit_names_its_file(mount: Mount) -> None:
    disk = mount(1)
    names = [f"{number}.png" for number in range(3)]
    with (
        pytest.raises(RunError, match=rf"/0\.png' cannot be written: {FULL}"),
        OutputFolder(disk / "out", request={}, run_id="task", planned=lambda: names) as output,
    ):
        fill(disk)
        block = pickle.dumps(list(enumerate((Item(source=name, target=name), None) for name in names)))
        work = Work(targets=one_target, make=_make_noise, inputs=lambda _: "", largest_block=10)
        answer = next(work_on(work, output.path, output.permit, (), {"items": [block]}))
        (error,) = map(pickle.loads, answer["results"])
        raise error
    assert names_in(disk) == set()


def _make_noise(item: Item, folder: Path) -> Doubtful:
    write_image(folder / item.target, np.random.default_rng(1).integers(0, 256, (99, 99, 3), dtype=np.uint8))
    return Doubtful()
