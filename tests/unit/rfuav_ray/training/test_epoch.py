"""A training that was interrupted in the middle of an epoch goes on at the very batch."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from rfuav_ray.errors import RunCancelled, RunInterrupted
from rfuav_ray.events import RunEvent
from rfuav_ray.training import epoch as training_epoch
from rfuav_ray.training.run import train
from tests.support.metric_names import ALL_FILES
from tests.support.training_runs import Interruption, assert_same_results, request, rows, stop_when, warnings_of

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")

PART = "checkpoint_epoch.pt"


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of two epochs, of four batches each, that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    train(request(data, folder, num_epochs=2), run_id="run")
    return folder


def go_on(data: Path, folder: Path, **changes: Any) -> list[RunEvent]:
    """The events of a run that is not interrupted any more."""
    events: list[RunEvent] = []
    train(request(data, folder, num_epochs=2, **changes), run_id="run", resume=True, report=events.append)
    return events


def interrupt(data: Path, folder: Path, epoch: int, stage: str, number: int = 1, **changes: Any) -> list[RunEvent]:
    stop = Interruption(epoch, stage, number)
    with pytest.raises(RunInterrupted):
        train(
            request(data, folder, num_epochs=2, **changes),
            run_id="run",
            resume=True,
            reported_epoch=epoch - 1,
            report=stop,
        )
    assert stop.calls_after == 0
    return stop.events


def started(events: list[RunEvent]) -> list[int | None]:
    return [event.epoch for event in events if event.stage == "epoch_start"]


def going_on(events: list[RunEvent]) -> list[str]:
    return [event.message for event in events if event.message.startswith("Resuming")]


@pytest.mark.parametrize("model", ["mobilenet_v3_small", pytest.param("resnet18", marks=pytest.mark.long)])
def test_epoch_interrupted_at_many_batches_it_ends_bit_for_bit_like_an_uninterrupted_run(
    data: Path, tmp_path: Path, model: str
) -> None:
    train(request(data, tmp_path / "whole", model=model, num_epochs=2), run_id="run")
    folder, events = tmp_path / "part", []
    for epoch, stage, number in [
        (1, "training", 1),
        (1, "training", 2),
        (2, "training", 3),
        (2, "validation", 1),
    ]:
        events += interrupt(data, folder, epoch, stage, number, model=model)
        torch.rand(7)  # what the process did meanwhile must not matter
    events += go_on(data, folder, model=model)
    assert_same_results(folder, tmp_path / "whole")
    assert going_on(events)[:2] == [
        f"Resuming in epoch 1/2 after {batches} of 4 batches from the checkpoint." for batches in (1, 3)
    ]
    # An interruption is heard a batch later when the epoch before is still being written.
    assert re.search("in epoch 2/2 after [34] of 4 batches", going_on(events)[2])
    assert re.search("in epoch 2/2 after 4 of 4 batches", going_on(events)[3])
    assert started(events) == [1, 2]
    assert warnings_of(events) == []
    progress = [event.progress or 0 for event in events if event.stage == "training"]
    assert progress == sorted(progress)
    assert {file.name for file in folder.iterdir()} == ALL_FILES


def test_epoch_a_kill_in_a_long_epoch_loses_what_came_after_the_last_save(
    data: Path, tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_epoch, "CHECKPOINT_EVERY_S", 0.0)
    seen: list[RunEvent] = []

    def die(event: RunEvent) -> None:
        seen.append(event)
        if [event.stage for event in seen].count("training") == 3:
            raise KeyboardInterrupt  # nothing is saved on its way, as in a kill

    with pytest.raises(KeyboardInterrupt):
        train(request(data, tmp_path, num_epochs=2), run_id="run", report=die)
    monkeypatch.undo()
    assert going_on(go_on(data, tmp_path)) == ["Resuming in epoch 1/2 after 3 of 4 batches from the checkpoint."]
    assert_same_results(tmp_path, whole)


def test_epoch_an_interruption_before_the_first_batch_leaves_an_epoch_that_was_not_begun(
    data: Path, tmp_path: Path
) -> None:
    events = interrupt(data, tmp_path, 1, "epoch_start")
    assert {file.name for file in tmp_path.iterdir()} == {"model.yaml"}
    assert started(events + go_on(data, tmp_path)) == [1, 2]


def test_epoch_an_interrupted_run_says_nothing_more_and_draws_nothing(data: Path, tmp_path: Path) -> None:
    interrupt(data, tmp_path, 2, "training", 2)
    assert {file.name for file in tmp_path.iterdir()} == ALL_FILES - {"curves.png", "confusion_matrix.png"} | {
        PART
    }


def test_epoch_an_end_of_an_epoch_that_was_not_heard_is_reported_by_the_next_run(
    data: Path, tmp_path: Path
) -> None:
    interrupt(data, tmp_path, 1, "epoch_end")
    events = go_on(data, tmp_path)
    assert [event.epoch for event in events if event.stage == "epoch_end"] == [1, 2]
    assert going_on(events) == ["Resuming after epoch 1/2 from the checkpoint."]


def test_epoch_the_seconds_of_both_runs_count(data: Path, tmp_path: Path) -> None:
    interrupt(data, tmp_path, 1, "training", 2)
    content = torch.load(tmp_path / PART, weights_only=True)
    assert content["part"]["seconds"] > 0
    content["part"]["seconds"] += 1000
    torch.save(content, tmp_path / PART)
    go_on(data, tmp_path)
    first, second = (float(row["images_per_second"]) for row in rows(tmp_path))
    assert first < 23 / 1000 < second


def test_epoch_a_damaged_part_is_told_of_and_its_epoch_begins_anew(
    data: Path, tmp_path: Path, whole: Path
) -> None:
    interrupt(data, tmp_path, 2, "training", 2)
    (tmp_path / PART).write_bytes((tmp_path / PART).read_bytes()[:-1000])
    events = go_on(data, tmp_path)
    (warning,) = warnings_of(events)
    assert PART in warning and "the epoch starts from its beginning" in warning
    assert going_on(events) == ["Resuming after epoch 1/2 from the checkpoint."]
    assert_same_results(tmp_path, whole)


def test_epoch_a_part_of_an_epoch_that_has_ended_is_not_taken(data: Path, tmp_path: Path, whole: Path) -> None:
    interrupt(data, tmp_path, 1, "training", 2)
    older = (tmp_path / PART).read_bytes()
    interrupt(data, tmp_path, 1, "epoch_end")
    (tmp_path / PART).write_bytes(older)
    events = go_on(data, tmp_path)
    assert warnings_of(events) == []
    assert going_on(events) == ["Resuming after epoch 1/2 from the checkpoint."]
    assert_same_results(tmp_path, whole)


def test_epoch_a_part_of_another_run_is_not_taken_and_removed(data: Path, tmp_path: Path) -> None:
    interrupt(data, tmp_path, 1, "training", 2)
    events: list[RunEvent] = []
    train(request(data, tmp_path), run_id="another", resume=True, report=events.append)
    assert going_on(events) == []
    assert started(events) == [1]
    assert {file.name for file in tmp_path.iterdir()} == ALL_FILES


def test_epoch_a_part_with_other_batches_is_told_of_and_its_epoch_begins_anew(data: Path, tmp_path: Path) -> None:
    interrupt(data, tmp_path, 1, "training", 2)
    events = go_on(data, tmp_path, batch_size=5)
    assert any("batches differ" in message for message in warnings_of(events))
    assert going_on(events) == []
    assert started(events) == [1, 2]


def test_epoch_a_damaged_checkpoint_is_replaced_by_a_whole_part(data: Path, tmp_path: Path, whole: Path) -> None:
    interrupt(data, tmp_path, 2, "training", 2)
    (tmp_path / "checkpoint.pt").write_bytes(b"PK half written")
    events = go_on(data, tmp_path)
    (warning,) = warnings_of(events)
    assert f"resumes from '{PART}'" in warning
    (message,) = going_on(events)
    assert re.search("in epoch 2/2 after [2-4] of 4 batches", message)
    assert_same_results(tmp_path, whole)


def test_epoch_a_cancelled_run_keeps_its_finished_epochs_only(data: Path, tmp_path: Path) -> None:
    interrupt(data, tmp_path, 2, "training", 1)
    with pytest.raises(RunCancelled):
        stop = stop_when(lambda event: (event.epoch, event.stage) == (2, "validation"))
        train(request(data, tmp_path, num_epochs=2), run_id="run", resume=True, report=stop)
    assert {file.name for file in tmp_path.iterdir()} == ALL_FILES


def test_epoch_a_run_that_is_refused_leaves_another_runs_part_alone(data: Path, tmp_path: Path) -> None:
    interrupt(data, tmp_path, 1, "training", 1)
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    with pytest.raises(Exception, match=r"weights\.pth"):
        train(request(data, tmp_path, weight_path=str(tmp_path / "weights.pth")), run_id="another")
    assert (tmp_path / PART).exists()
