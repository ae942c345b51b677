"""`rfuav` as a user calls it, beside a service that plays its part."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests.support.fake_service import ask_from, run_command
from tests.support.project import ROOT


@pytest.fixture
def service(service, monkeypatch, tmp_path):
    """The commands find this service, and work in a folder of the test."""
    ask_from(tmp_path, service, monkeypatch)
    return service


@pytest.fixture
def rfuav(service, capsys):
    """Call the command; returns its exit status, output and errors."""
    return partial(run_command, capsys)


@pytest.fixture
def interrupted_rfuav(service):
    """Call the command and press ctrl-C after its second line; returns its exit status, lines, rest and errors."""

    def call(*arguments):
        with subprocess.Popen(
            [sys.executable, "-u", "-m", "serve_app", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            lines = process.stdout.readline() + process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate()
        return process.returncode, lines, rest, errors

    return call


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "RFUAV_PORT", "HOST", "TASK_QUEUE_SIZE", "RFUAV_TASK_QUEUE_SIZE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
