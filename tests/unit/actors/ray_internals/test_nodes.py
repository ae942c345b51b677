import sys

import pytest
import ray

from actors.ray_internals.nodes import UnknownCommandLine, check_private_ray, fork_server_address
from rfuav_ray.errors import RfuavError
from tests.support.ray_worker import ray_worker

__all__ = ["ray_worker"]


def test_nodes_the_fork_server_is_beside_the_raylet(ray_worker):
    assert fork_server_address() == f"{ray_worker}.fork"


@pytest.mark.parametrize(
    "changed",
    [
        lambda words: [*words, words[3]],
        lambda words: [word.replace("raylet-name", "raylet") for word in words],
        lambda words: [word.replace("--raylet-name=", "--raylet-name=/no") for word in words],
        lambda words: [word.replace("default_worker", "worker") for word in words],
        lambda words: [words[0], "-S", *words[1:]],
        lambda words: words[:1],
    ],
)
@pytest.mark.usefixtures("ray_worker")
def test_nodes_another_command_line_than_that_of_a_worker_has_no_fork_server(monkeypatch, changed):
    monkeypatch.setattr(sys, "orig_argv", changed(sys.orig_argv))
    with pytest.raises(UnknownCommandLine):
        fork_server_address()


@pytest.mark.usefixtures("ray_worker")
def test_nodes_a_worker_that_does_not_know_its_job_has_no_fork_server(monkeypatch):
    monkeypatch.delenv("RAY_JOB_ID")
    with pytest.raises(UnknownCommandLine, match="RAY_JOB_ID"):
        fork_server_address()


def test_nodes_a_private_ray_that_listens_to_the_network_is_refused(monkeypatch):
    for address in ("127.0.0.1", "::1"):
        monkeypatch.setattr(ray.util, "get_node_ip_address", lambda address=address: address)
        check_private_ray()
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "192.0.2.1")
    with pytest.raises(RfuavError, match=r"192\.0\.2\.1"):
        check_private_ray()
