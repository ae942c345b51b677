import os
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rfuav_ray.errors import RunCancelled, RunError
from rfuav_ray.events import RunEvent
from rfuav_ray.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    rng_state,
    save_checkpoint,
    save_tensors,
    set_rng_state,
)
from tests.support.metric_names import LATEST_METRICS

CPU = torch.device("cpu")
CONFIG = {"model": "resnet18", "class_names": ["a", "b"]}


def metrics(epoch: int) -> dict[str, Any]:
    return dict.fromkeys(LATEST_METRICS, 0.5) | {"epoch": epoch, "total_epochs": 9}


def make_checkpoint(**changes: Any) -> Checkpoint:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    values: dict[str, Any] = {
        "run_id": "run",
        "config": CONFIG,
        "epoch": 4,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rng": rng_state(CPU),
        "history": [metrics(epoch) for epoch in range(1, 5)],
        "best": {"epoch": 1, "metrics": metrics(1), "per_class": [], "confusion_matrix": [[1, 0], [0, 1]]},
        "started_at": "2030-01-01T00:00:00+00:00",
        "seconds": 1.5,
    }
    return Checkpoint(**(values | changes))


def load(path: Path, **wanted: Any) -> tuple[Checkpoint | None, list[RunEvent]]:
    events: list[RunEvent] = []
    found = load_checkpoint(path, **({"run_id": "run", "config": CONFIG} | wanted), report=events.append)
    return found, events


def test_checkpoint_what_was_saved_comes_back(tmp_path: Path) -> None:
    saved = make_checkpoint()
    save_checkpoint(tmp_path / "checkpoint.pt", saved)
    loaded, events = load(tmp_path / "checkpoint.pt")
    assert loaded is not None
    assert events == []
    assert torch.equal(loaded.model["weight"], saved.model["weight"])
    assert torch.equal(loaded.optimizer["state"][0]["exp_avg"], saved.optimizer["state"][0]["exp_avg"])
    for name in ("run_id", "config", "epoch", "history", "best", "started_at", "seconds"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_checkpoint_random_numbers_go_on_where_they_were() -> None:
    state = rng_state(CPU)
    expected = torch.rand(5)
    torch.rand(100)
    set_rng_state(state, CPU)
    assert torch.equal(torch.rand(5), expected)


def test_checkpoint_no_checkpoint_is_nothing_to_warn_of(tmp_path: Path) -> None:
    assert load(tmp_path / "checkpoint.pt") == (None, [])


def test_checkpoint_another_runs_checkpoint_is_not_taken_and_that_is_told(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint.pt", make_checkpoint())
    loaded, events = load(tmp_path / "checkpoint.pt", run_id="another")
    assert loaded is None
    assert [event.level for event in events] == ["WARNING"]


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": 10**9},
        {"history": "none"},
        {"history": [metrics(1) | {"val_acc": "high"}], "epoch": 1},
        {"best": {"epoch": 1}},
        {"best": {"epoch": 9, "metrics": metrics(9), "per_class": [], "confusion_matrix": []}},
        {"seconds": float("inf")},
        {"run_id": 5},
        {"part": {"batches": 1}},
    ],
)
def test_checkpoint_that_no_training_has_written_is_not_taken(tmp_path: Path, changes: dict[str, Any]) -> None:
    content = {**vars(make_checkpoint()), **changes}
    save_tensors(tmp_path / "checkpoint.pt", content)
    loaded, events = load(tmp_path / "checkpoint.pt")
    assert loaded is None
    assert [event.level for event in events] == ["WARNING"]


def test_checkpoint_a_checkpoint_of_other_classes_is_not_taken_and_that_is_told(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint.pt", make_checkpoint())
    loaded, events = load(tmp_path / "checkpoint.pt", config={**CONFIG, "class_names": ["a", "c"]})
    assert loaded is None
    assert [event.level for event in events] == ["WARNING"]


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (66,)


def cut_off(path: Path) -> None:
    save_checkpoint(path, make_checkpoint())
    path.write_bytes(path.read_bytes()[:-400])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\x80\x02garbage" * 100), id="garbage"),
        pytest.param(cut_off, id="cut off"),
        pytest.param(lambda path: torch.save({"model": {}}, path), id="other content"),
        pytest.param(lambda path: torch.save([1, 2], path), id="a list"),
        pytest.param(lambda path: torch.save(Malicious(), path), id="code"),
        pytest.param(lambda path: path.mkdir(), id="a folder"),
    ],
)
def test_checkpoint_a_damaged_checkpoint_is_told_of_and_not_taken(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "checkpoint.pt"
    damage(path)
    loaded, events = load(path)
    assert loaded is None
    assert [event.level for event in events] == ["WARNING"]
    assert str(path) in events[0].message
    assert "starts from the beginning" in events[0].message


def test_checkpoint_a_stop_request_gets_through_the_warning(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"")

    def stop(event: RunEvent) -> None:
        raise RunCancelled

    with pytest.raises(RunCancelled):
        load_checkpoint(tmp_path / "checkpoint.pt", run_id="run", config=CONFIG, report=stop)


def test_checkpoint_a_full_disk_is_named_and_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    save_tensors(path, {"weight": torch.ones(3)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"weights\.pth.*cannot be written"):
            save_tensors(path, {"weight": torch.ones(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert torch.equal(torch.load(path, weights_only=True)["weight"], torch.ones(3))
    assert list(tmp_path.iterdir()) == [path]
