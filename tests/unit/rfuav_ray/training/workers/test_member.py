"""A training with two workers from its request to its results: the other worker is another process."""

import multiprocessing
from pathlib import Path

import pytest
import torch

from rfuav_ray.errors import RunInterrupted
from rfuav_ray.training.run import train
from rfuav_ray.training.workers.member import take_part
from tests.support.metric_names import ALL_FILES
from tests.support.training_runs import Interruption, request, rows, warnings_of
from tests.support.worker_groups import seats_of_two

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")


def other_worker(wanted, seat):
    torch.set_num_threads(1)
    take_part(wanted, seat)


def train_with_another(wanted, **arguments):
    """Train with two workers. The other one completes its part, or is killed when this one ends early."""
    seat, other_seat = seats_of_two()
    process = multiprocessing.get_context("spawn").Process(target=other_worker, args=(wanted, other_seat))
    process.start()
    try:
        result = train(wanted, seat=seat, **arguments)
        process.join()
        assert process.exitcode == 0
        return result
    finally:
        process.kill()
        process.join()


@pytest.mark.long
@pytest.mark.parametrize("first_has_two", [True, False])
def test_member_a_training_resumes_with_another_number_of_workers(data, tmp_path, first_has_two):
    wanted = request(data, tmp_path, num_epochs=3, num_workers=2)
    first, second = (train_with_another, train) if first_has_two else (train, train_with_another)
    interruption, events = Interruption(2, "training", number=2), []
    with pytest.raises(RunInterrupted):
        first(wanted, run_id="run", report=interruption)
    result = second(wanted, run_id="run", report=events.append, resume=True)
    assert any(event.message.startswith("Resuming in epoch 2/3") for event in events)
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3"]
    assert {Path(str(file)).name for file in result["files"].values()} == ALL_FILES
    of_two = interruption.events if first_has_two else events
    assert any("Batch norm sees only a worker's own images" in warning for warning in warnings_of(of_two))
