"""`rfuav` as a user calls it, beside a service that plays its part."""

from functools import partial

import pytest

from tests.support.fake_service import ask_from, run_command


@pytest.fixture
def service(service, monkeypatch, tmp_path):
    """The commands find this service, and work in a folder of the test."""
    ask_from(tmp_path, service, monkeypatch)
    return service


@pytest.fixture
def rfuav(service, capsys):
    """Call the command; returns its exit status, output and errors."""
    return partial(run_command, capsys)
