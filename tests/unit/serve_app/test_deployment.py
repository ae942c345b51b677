"""The import path of Ray Serve's own commands."""

import importlib

import pytest
from ray import cloudpickle
from ray.serve import Application

from actors.ray_internals.variables import JOB
from rfuav_ray.errors import RfuavError

PATHS = ("STATE_DIR", "LOG_FILE", "DATA_ROOTS")


@pytest.fixture
def deployment(monkeypatch, tmp_path):
    for name in PATHS:
        monkeypatch.delenv(f"RFUAV_{name}", raising=False)
        monkeypatch.setenv(name, str(tmp_path / name))
    return importlib.import_module("serve_app.deployment")


def test_deployment_app_is_an_application(deployment):
    assert isinstance(deployment.app, Application)


def test_deployment_has_nothing_else(deployment):
    with pytest.raises(AttributeError, match="no attribute 'application'"):
        _ = deployment.application


@pytest.mark.parametrize("name", PATHS)
def test_deployment_in_a_process_of_ray_wants_absolute_paths(deployment, monkeypatch, name):
    monkeypatch.setenv(name, "relative/path")
    assert isinstance(deployment.app, Application)
    monkeypatch.setenv(JOB, "01000000")
    with pytest.raises(RfuavError, match=f"Set {name} to an absolute path"):
        _ = deployment.app
    monkeypatch.delenv(name)
    with pytest.raises(RfuavError, match=f"Set {name} to an absolute path"):
        _ = deployment.app


def test_deployment_names_a_wrong_setting(deployment, monkeypatch):
    monkeypatch.setenv("MAX_RUN_RETRIES", "-1")
    with pytest.raises(RfuavError, match="MAX_RUN_RETRIES"):
        _ = deployment.app


def test_deployment_refuses_a_prefix_that_serve_would_not_know(deployment, monkeypatch):
    monkeypatch.setenv("ROUTE_PREFIX", "/lab")
    with pytest.raises(RfuavError, match="Set that one, and leave ROUTE_PREFIX out"):
        _ = deployment.app


def test_deployment_in_a_process_of_ray_wants_an_absolute_path_of_the_key_file_if_there_is_one(
    deployment, monkeypatch
):
    monkeypatch.setenv(JOB, "01000000")
    assert isinstance(deployment.app, Application)
    monkeypatch.setenv("API_KEYS_FILE", "keys.txt")
    with pytest.raises(RfuavError, match="Set API_KEYS_FILE to an absolute path"):
        _ = deployment.app


def test_deployment_gives_ray_no_key(deployment, monkeypatch):
    monkeypatch.setenv("API_KEYS", "ann:read:chosen-key")
    pickled = cloudpickle.dumps(deployment.app)
    assert b"ann:read:scrypt." in pickled and b"chosen-key" not in pickled


def test_deployment_names_a_wrong_key_by_its_place(deployment, monkeypatch):
    monkeypatch.setenv("API_KEYS", "ann:king:chosen-key")
    with pytest.raises(RfuavError, match="entry 1 of API_KEYS has an unknown scope"):
        _ = deployment.app
