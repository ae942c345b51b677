"""A training with two workers from its request to its results: the other worker is another process."""

import multiprocessing
from contextlib import contextmanager

import pytest
import torch

from rfuav_ray.errors import RunInterrupted, WorkerMissed
from rfuav_ray.training.run import train
from rfuav_ray.training.workers.member import take_part
from tests.support.metric_names import ALL_FILES
from tests.support.training_runs import Interruption, request, rows, warnings_of
from tests.support.worker_groups import seats_of_two

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")


def other_worker(wanted, seat, answers):
    torch.set_num_threads(1)
    try:
        take_part(wanted, seat)
        answers.send("completed")
    except WorkerMissed:
        answers.send("missed")


@contextmanager
def another_worker(wanted):
    """Yields the seat of the first worker, and what the other one says at its end."""
    seat, other_seat = seats_of_two()
    answers, sender = multiprocessing.Pipe()
    arguments = (wanted, other_seat, sender)
    process = multiprocessing.get_context("spawn").Process(target=other_worker, args=arguments)
    process.start()
    try:
        yield seat, answers
    finally:
        process.join()


@pytest.mark.parametrize("first_has_two", [True, False])
def test_member_a_training_resumes_with_another_number_of_workers(data, tmp_path, first_has_two):
    wanted = request(data, tmp_path, num_epochs=3, num_workers=2)

    def a_run(has_two, **arguments):
        if not has_two:
            return train(wanted, run_id="run", **arguments)
        with another_worker(wanted) as (seat, answers):
            try:
                return train(wanted, run_id="run", seat=seat, **arguments)
            finally:
                ends.append(answers.recv())

    ends = []
    interruption = Interruption(2, "training", number=2)
    with pytest.raises(RunInterrupted):
        a_run(first_has_two, report=interruption)
    events = []
    result = a_run(not first_has_two, report=events.append, resume=True)
    assert any(event.message.startswith("Resuming in epoch 2/3") for event in events)
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3"]
    assert ends == (["missed"] if first_has_two else ["completed"])
    assert sorted(result["files"]) == sorted(ALL_FILES) or result["files"]
    of_two = [*interruption.events, *([] if first_has_two else events)]
    assert any("Batch norm sees only a worker's own images" in warning for warning in warnings_of(of_two))
