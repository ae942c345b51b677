"""This process as a worker of Ray."""

import socket
import sys

import pytest


@pytest.fixture
def ray_worker(tmp_path_factory, monkeypatch):
    """This process has the command line and the environment of a worker. Returns its raylet's socket."""
    path = str(tmp_path_factory.mktemp("r") / "raylet")
    program = "/ray/_private/workers/default_worker.py"
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, program, "--x=1", f"--raylet-name={path}", "--y=2"])
    monkeypatch.setenv("RAY_JOB_ID", "ffffffff")
    with socket.socket(socket.AF_UNIX) as raylet:
        raylet.bind(path)
        yield path
