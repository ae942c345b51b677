"""What the pipeline expects of Ray Data's inside is true of the installed Ray, or it does without."""

import os
import subprocess
import sys
from dataclasses import fields
from types import SimpleNamespace

import pytest
from ray.data import DataContext, Dataset

from preprocessing.pipeline import ray_data_internals


def test_ray_data_internals_the_installed_ray_has_every_part():
    assert {field.name for field in fields(DataContext)} >= ray_data_internals.OPTIONS.keys()
    assert callable(Dataset._set_uuid)  # noqa: SLF001


def test_ray_data_internals_prepare_ends_the_thread_that_fetches_metadata():
    program = (
        "from preprocessing.pipeline import ray_data_internals\n"
        "ray_data_internals.prepare()\n"
        "from ray.data._internal.execution.metadata_fetcher import make_metadata_fetcher\n"
        "print(type(make_metadata_fetcher()).__name__)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["InlineMetadataFetcher"]


def test_ray_data_internals_an_operators_word_counts_more(monkeypatch):
    monkeypatch.setenv(ray_data_internals.PREFETCH, "1")
    ray_data_internals.prepare()
    assert os.environ[ray_data_internals.PREFETCH] == "1"


def test_ray_data_internals_what_is_missing_is_said_and_left_out(monkeypatch, caplog):
    monkeypatch.setenv(ray_data_internals.PREFETCH, "0")
    monkeypatch.setattr(ray_data_internals, "OPTIONS", {"no_such_option": True})
    ray_data_internals.prepare()
    assert not hasattr(DataContext.get_current(), "no_such_option")
    monkeypatch.setattr("ray.get_runtime_context", lambda: SimpleNamespace(get_worker_id=lambda: "x"))
    ray_data_internals.reuse_metrics(object())
    assert "no_such_option" in caplog.messages[0] and "no ids to set" in caplog.messages[1]


@pytest.fixture(autouse=True)
def _options_as_before():
    context = DataContext.get_current()
    before = {name: getattr(context, name) for name in ray_data_internals.OPTIONS}
    yield
    for name, value in before.items():
        setattr(context, name, value)
