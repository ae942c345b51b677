"""Two workers of a training, in two processes, beside one."""

import multiprocessing
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from rfuav_ray.events import ignore
from rfuav_ray.training.data import ImageDataset
from rfuav_ray.training.passes import EpochReports, Sums, train_epoch, validate
from rfuav_ray.training.workers.connection import join, leave
from rfuav_ray.training.workers.group import ALONE, Workers, send_progress
from rfuav_ray.training.workers.seats import Member
from tests.support.training_runs import make_images
from tests.support.worker_groups import seats_of_two

CPU = torch.device("cpu")
#: the second worker has one image of the second batch, and none of the last one
ORDER = [[5, 0, 3, 2, 7], [1, 6], [4]]
IMAGES = 8
MEMBER = Member(0, "one", 1, "2.15.0", "cpu", "fp32", "images")


def an_epoch(folder, group):
    """Train one epoch and validate. The first worker has trained before, the other one has not."""
    torch.manual_seed(group.rank)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 8, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    if group.rank == 0:
        model(torch.ones(1, 3, 32, 32)).sum().backward()
        optimizer.step()
    progress = torch.tensor([7, 0, 0] if group.rank == 0 else [0, 0, 0])
    send_progress(group, optimizer, progress)
    paths = sorted(folder.rglob("*.png"))
    dataset = ImageDataset([(path, index % 2) for index, path in enumerate(paths)], image_size=32)
    reports, sums = EpochReports(ignore, 1, 1, 2 * IMAGES), Sums(CPU)
    trained = group.trained(model)
    of_training = train_epoch(
        trained, optimizer, dataset, ORDER, reports, sums, torch.float32, lambda: None, group
    )
    in_order = [[0, 1, 2, 3, 4], [5, 6], [7]]
    probabilities, labels, loss = validate(model, dataset, in_order, reports, torch.float32, group)
    return of_training, probabilities, labels, loss, dict(model.state_dict()), progress.tolist()


def other_worker(seat, folder, answers):
    torch.set_num_threads(1)
    group = join(seat, CPU, "fp32", "images")
    answers.send(an_epoch(folder, group)[1:4])
    leave(group, is_over=True)


@pytest.mark.long
def test_group_two_workers_compute_what_one_does(tmp_path):
    make_images(tmp_path / "images", ("a", "b"), IMAGES // 2)
    (loss, accuracy), probabilities, labels, val_loss, weights, _ = an_epoch(tmp_path, ALONE)
    seat, other_seat = seats_of_two()
    answers, sender = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=other_worker, args=(other_seat, tmp_path, sender)
    )
    process.start()
    group = join(seat, CPU, "fp32", "images")
    try:
        of_training, of_two, labels_of_two, val_loss_of_two, weights_of_two, progress = an_epoch(tmp_path, group)
    finally:
        leave(group, is_over=True)
        process.join()
    assert of_training == (pytest.approx(loss, abs=1e-6), accuracy)
    assert val_loss_of_two == pytest.approx(val_loss, abs=1e-6)
    np.testing.assert_allclose(of_two, probabilities, atol=1e-6)
    assert labels_of_two.tolist() == labels.tolist() == [0, 1] * 4
    assert progress == [7, 0, 0]
    assert all(torch.allclose(weights_of_two[name], weights[name], atol=1e-6) for name in weights)
    of_other, labels_of_other, _ = answers.recv()
    np.testing.assert_array_equal(of_other, of_two)
    assert labels_of_other.tolist() == labels.tolist()
    assert {member.process for member in group.members} >= {process.pid}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_group_workers_share_each_image_of_a_batch_once(size):
    for images in range(1, 8):
        batch = list(range(10, 10 + images))
        for device, fewest in ((CPU, min(2, images)), (torch.device("cuda"), 1)):
            groups = [Workers(rank, device, [MEMBER] * size) for rank in range(size)]
            counted = [list(group.own(batch))[: group.count(images)] for group in groups]
            assert sorted(chain.from_iterable(counted)) == batch
            for group in groups:
                own = group.own(batch)
                assert len(set(own)) == len(own) >= fewest
