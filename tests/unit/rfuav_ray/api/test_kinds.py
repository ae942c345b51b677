"""The registry of kinds is complete, and what is listed elsewhere agrees with it."""

from typing import get_args

import pytest

from actors.runs import runner
from preprocessing import checks
from rfuav_ray.api.kinds import KINDS, PREPROCESSING_KINDS, PreprocessingKind, SlotKind, TaskKind, kinds_of, lists
from rfuav_ray.settings import Settings
from serve_app.api import create_app


@pytest.fixture(scope="module")
def paths():
    """Of the description of the API."""
    return create_app(Settings(_env_file=None)).openapi()["paths"]


def test_kinds_the_literals_name_them_all():
    assert set(get_args(TaskKind)) == set(KINDS)
    assert set(get_args(PreprocessingKind)) == {kind.name for kind in PREPROCESSING_KINDS}
    assert {kind.slot_kind for kind in KINDS.values()} == set(get_args(SlotKind))


def test_kinds_of_slots():
    assert kinds_of("training") == ("training",)
    assert kinds_of("inference") == ("inference", "evaluation")
    assert kinds_of("preprocessing") == ("split", "augment", "crop", "spectrogram", "audit")


def test_kinds_lists_of_tasks():
    preprocessing = ["split", "augment", "crop", "spectrogram"]
    own = {name: [name] for name in ("training", "inference", "evaluation", "audit")}
    assert lists() == {**own, "preprocessing": preprocessing}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_kinds_each_has_a_run_function_a_check_and_a_route(kind, paths):
    assert kind.has_workers != (kind.name in runner.RUN_FUNCTIONS)
    assert kind.slot_kind != "preprocessing" or kind.request in checks.CHECKS
    operation = paths[kind.path]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert body.rsplit("/", 1)[1] == kind.request.__name__


def test_kinds_the_description_of_the_api_marks_their_routes_in_their_order(paths):
    operations = [(path, operation) for path, methods in paths.items() for operation in methods.values()]
    marked = [(operation["x-task-kind"], path) for path, operation in operations if "x-task-kind" in operation]
    assert marked == [(kind.name, kind.path) for kind in KINDS.values()]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_kinds_the_input_is_a_field_of_the_request(kind):
    assert kind.input_field in kind.request.model_fields


PATHS = {
    "training": {"train_path", "val_path", "weight_path"},
    "inference": {"cfg_path", "weight_path", "source_path"},
    "evaluation": {"cfg_path", "weight_path", "data_path", "unknown_path", "calibration_path"},
    "split": {"input_path"},
    "augment": {"dataset_path"},
    "crop": {"input_path"},
    "spectrogram": {"input_path", "interferers_path"},
    "audit": {"dataset_path", "train_path", "val_path"},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_kinds_input_paths_are_what_a_task_reads(kind):
    every_field = {field: f"/{field}" for field in kind.request.model_fields}
    assert set(kind.input_paths(every_field)) == {f"/{field}" for field in PATHS[kind.name]}
    assert kind.input_paths(dict.fromkeys(every_field, None)) == kind.input_paths({}) == []


def test_kinds_output_folder_of_a_kind_that_shares_folders():
    training = KINDS["training"]
    assert str(training.output_folder({"save_path": "/a", "name": "b"})) == "/a/b"
    assert str(training.output_folder({"save_path": "/a", "name": None})) == "/a"
    assert str(KINDS["crop"].output_folder({"output_path": "/c"})) == "/c"
