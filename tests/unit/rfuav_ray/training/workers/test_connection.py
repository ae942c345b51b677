"""How the workers of a training find each other."""

from dataclasses import replace
from datetime import timedelta

import psutil
import pytest
import torch

from rfuav_ray.errors import RunError, WorkerMissed
from rfuav_ray.training.workers import connection
from rfuav_ray.training.workers.connection import join
from rfuav_ray.training.workers.seats import Seat
from tests.support.worker_groups import IP

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"torch_version": "2.14.0"}, "PyTorch is 2.15.0 on one and 2.14.0 on two"),
        ({"device": "cuda"}, "device type is cpu on one and cuda on two"),
        ({"precision": "bf16"}, "number format is fp32 on one and bf16 on two. Set precision"),
        ({"data": "others"}, "two sees other images"),
    ],
)
def test_connection_names_a_worker_that_differs(changes, named):
    def meet(own):
        first = replace(own, node="one", torch_version="2.15.0")
        return [first, replace(first, rank=1, node="two", **changes)]

    with pytest.raises(RunError, match=named):
        join(Seat(0, 2, IP, meet), CPU, "fp32", "images")


def test_connection_to_a_worker_that_cannot_be_reached_has_a_time_limit(monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", timedelta(seconds=1))
    listening = []

    def meet(own):
        listening.extend(psutil.Process().net_connections())
        return [own, replace(own, rank=1)]

    with pytest.raises(WorkerMissed, match=rf"by {IP}:\d+ of .* No firewall"):
        join(Seat(0, 2, IP, meet), CPU, "fp32", "images")
    listening = [one for one in listening if one.status == psutil.CONN_LISTEN]
    assert {one.laddr.ip for one in listening} == {IP}, "open to other networks"
