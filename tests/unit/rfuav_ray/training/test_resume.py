"""A training that was stopped or killed goes on, and ends like one that was not."""

import shutil
from pathlib import Path

import pytest
import torch

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.errors import RunCancelled
from rfuav_ray.events import RunEvent
from rfuav_ray.training.run import train
from tests.support.metric_names import ALL_FILES, LATEST_METRICS, WEIGHTS
from tests.support.training_runs import Run, assert_same_results, request, rows, stop_in_epoch, warnings_of

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")


def copied(run: Run, folder: Path) -> TrainingRequest:
    """The request of a run whose results lie in this folder."""
    shutil.copytree(run.folder, folder, dirs_exist_ok=True)
    return run.request.model_copy(update={"save_path": str(folder)})


@pytest.mark.parametrize("reference", [pytest.param("resnet_run", marks=pytest.mark.long), "mobilenet_run"])
def test_resume_a_resumed_run_ends_bit_for_bit_like_an_uninterrupted_one(
    data: Path, tmp_path: Path, reference: str, request: pytest.FixtureRequest
) -> None:
    whole: Run = request.getfixturevalue(reference)
    again = whole.request.model_copy(update={"save_path": str(tmp_path)})
    with pytest.raises(RunCancelled):
        train(again, report=stop_in_epoch(2), run_id="run")
    assert len(rows(tmp_path)) == 1
    events: list[RunEvent] = []
    torch.rand(7)  # what the process did meanwhile must not matter
    result = train(again, report=events.append, run_id="run", resume=True)
    assert events[0].metrics is not None and list(events[0].metrics) == LATEST_METRICS
    assert "after epoch 1/3" in events[1].message
    assert [event.epoch for event in events if event.stage == "epoch_start"] == [2, 3]
    assert warnings_of(events) == []
    assert_same_results(tmp_path, whole.folder)
    assert result["best_epoch"] == whole.result["best_epoch"]


def test_resume_epochs_that_were_heard_of_and_have_to_be_made_again_are_not_told_again(
    data: Path, tmp_path: Path, mobilenet_run: Run
) -> None:
    again = copied(mobilenet_run, tmp_path)
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])  # as a power cut leaves it
    events: list[RunEvent] = []
    train(again, report=events.append, run_id="run", resume=True, reported_epoch=2)
    ends = [event for event in events if event.stage == "epoch_end"]
    assert [event.epoch for event in ends if event.message] == [3]
    assert [event.epoch for event in ends if event.metrics] == [1, 2, 3]
    assert_same_results(tmp_path, mobilenet_run.folder)


def test_resume_a_run_whose_last_epoch_was_heard_of_still_tells_its_figures(
    data: Path, tmp_path: Path, mobilenet_run: Run
) -> None:
    again = copied(mobilenet_run, tmp_path)
    events: list[RunEvent] = []
    train(again, report=events.append, run_id="run", resume=True, reported_epoch=3)
    ends = [event for event in events if event.stage == "epoch_end"]
    assert [(event.epoch, event.message) for event in ends] == [(3, "")]


def test_resume_the_same_seed_gives_the_same_weights_and_another_one_others(data: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        train(request(data, tmp_path, name=name), seed=seed)
    assert_same_results(tmp_path / "one", tmp_path / "same")
    with pytest.raises(AssertionError):
        assert_same_results(tmp_path / "one", tmp_path / "other")


def test_resume_the_callers_random_numbers_are_left_alone(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    train(request(data, tmp_path))
    assert torch.equal(torch.rand(3), expected)


def test_resume_a_run_that_was_over_is_not_trained_again(data: Path, mobilenet_run: Run) -> None:
    weights = (mobilenet_run.folder / "best_model.pth").read_bytes()
    events: list[RunEvent] = []
    result = train(mobilenet_run.request, report=events.append, run_id="run", resume=True)
    ends = [event.step for event in events if event.stage == "epoch_end"]
    assert ends == [1, 2, 3]
    assert [event.stage for event in events if event.stage != "epoch_end"] == [None]
    assert events[2].progress == 100
    assert result == mobilenet_run.result
    assert (mobilenet_run.folder / "best_model.pth").read_bytes() == weights


def test_resume_only_epochs_that_were_not_heard_of_are_reported_again(data: Path, mobilenet_run: Run) -> None:
    events: list[RunEvent] = []
    train(mobilenet_run.request, report=events.append, run_id="run", resume=True, reported_epoch=1)
    assert [event.step for event in events if event.stage == "epoch_end"] == [2, 3]


def test_resume_a_kill_after_the_checkpoint_is_put_right(data: Path, tmp_path: Path) -> None:
    train(request(data, tmp_path), run_id="run")
    expected = torch.load(tmp_path / "last_model.pth", weights_only=True)
    for name in ALL_FILES - {"checkpoint.pt"}:
        (tmp_path / name).unlink()
    (tmp_path / f".{'0' * 32}.tmp.pth").write_bytes(b"half")
    events: list[RunEvent] = []
    train(request(data, tmp_path), run_id="run", resume=True, report=events.append)
    assert {file.name for file in tmp_path.iterdir()} == ALL_FILES
    for name in WEIGHTS:
        weights = torch.load(tmp_path / name, weights_only=True)
        assert all(torch.equal(weights[key], expected[key]) for key in expected)
    assert "epoch_start" not in {event.stage for event in events}


def test_resume_without_the_best_weights_it_begins_anew(data: Path, tmp_path: Path) -> None:
    train(request(data, tmp_path), run_id="run")
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    # As after a second epoch that was not the best.
    history = [*content["history"], content["history"][0] | {"epoch": 2}]
    torch.save({**content, "epoch": 2, "history": history}, tmp_path / "checkpoint.pt")
    (tmp_path / "best_model.pth").unlink()
    events: list[RunEvent] = []
    train(request(data, tmp_path), run_id="run", resume=True, report=events.append)
    assert any("best_model.pth" in message and "from the beginning" in message for message in warnings_of(events))
    assert [event.epoch for event in events if event.stage == "epoch_start"] == [1]


def test_resume_a_damaged_checkpoint_is_told_of_and_training_begins_anew(data: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"PK half written")
    events: list[RunEvent] = []
    train(request(data, tmp_path), run_id="run", resume=True, report=events.append)
    assert "cannot be read" in warnings_of(events)[0]
    assert [event.epoch for event in events if event.stage == "epoch_start"] == [1]
    assert {file.name for file in tmp_path.iterdir()} == ALL_FILES


def test_resume_resuming_without_a_checkpoint_begins_anew_without_a_warning(data: Path, tmp_path: Path) -> None:
    events: list[RunEvent] = []
    train(request(data, tmp_path), run_id="run", resume=True, report=events.append)
    assert warnings_of(events) == []
    assert len(rows(tmp_path)) == 1


@pytest.mark.parametrize("resume", [False, True])
def test_resume_results_of_another_run_are_replaced_with_a_warning(
    data: Path, tmp_path: Path, resume: bool
) -> None:
    train(request(data, tmp_path), run_id="older")
    (tmp_path / "my notes.txt").write_text("mine")
    events: list[RunEvent] = []

    def report(event: RunEvent) -> None:
        events.append(event)
        if event.stage == "training":
            raise RunCancelled

    with pytest.raises(RunCancelled):
        train(request(data, tmp_path), run_id="newer", resume=resume, report=report)
    *ignored, replaced = warnings_of(events)
    assert "best_model.pth" in replaced
    # Who resumes is told why it begins anew.
    assert len(ignored) == resume and all("was not written by this task" in message for message in ignored)
    assert {file.name for file in tmp_path.iterdir()} == {"model.yaml", "my notes.txt"}
