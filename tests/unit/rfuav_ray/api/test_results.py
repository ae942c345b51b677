"""The types of results: they refuse what differs, and need nothing heavy."""

import subprocess
import sys
from typing import get_args

import pytest
from pydantic import ValidationError

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.results import TaskResult, TrainingFiles, TrainingResult
from rfuav_ray.outputs.artifacts import TRAINING_FILES
from tests.support.sample_results import EPOCH_METRICS, INFERENCE_RESULT, TRAINING_RESULT
from tests.support.typed_dicts import assert_is


def test_results_each_kind_has_its_own():
    assert [kind.result for kind in KINDS.values()] == list(get_args(TaskResult))


def test_results_the_files_of_a_training_are_those_that_it_leaves():
    assert list(TrainingFiles.__annotations__) == list(TRAINING_FILES)


def test_results_the_samples_of_the_tests_have_their_types():
    assert_is(TrainingResult, TRAINING_RESULT)
    assert_is(KINDS["inference"].result, INFERENCE_RESULT)


@pytest.mark.parametrize(
    "changes",
    [
        {"new": 1},
        {"metrics": {**EPOCH_METRICS, "new": 1}},
        {"metrics": {"epoch": 1}},
        {"epochs": "1"},
        {"best_acc": float("nan")},
        {"run": {"attempt": 1}},
    ],
)
def test_results_a_field_more_or_less_or_of_another_type_is_seen_at_any_depth(changes):
    with pytest.raises(ValidationError):
        assert_is(TrainingResult, {**TRAINING_RESULT, **changes})


def test_results_import_nothing_heavy():
    code = (
        "import sys, rfuav_ray.api.results;"
        "sys.exit(', '.join({'torch', 'sklearn', 'numpy', 'ray', 'fastapi'} & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
