import json

import pytest

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests import AuditRequest, BatchInferenceRequest, TrainingRequest
from rfuav_ray.api.requests.unknown_fields import MAX_NAMED, nearest, warnings_about

TRAINING = {"model": "resnet18", "num_classes": 3, "train_path": "t", "val_path": "v", "save_path": "s"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("epochs", "num_epochs"),
        ("batch", "batch_size"),
        ("batchSize", "batch_size"),
        ("BATCH-SIZE", "batch_size"),
        ("lr", "learning_rate"),
        ("train_dir", "train_path"),
        ("weights_path", "weight_path"),
        ("x", None),
        ("", None),
        ("frobnicate", None),
    ],
)
def test_unknown_fields_a_probable_meaning_is_suggested(name, meant):
    assert nearest(name, TrainingRequest.model_fields) == meant


def test_unknown_fields_are_named_in_warnings_and_change_nothing_else():
    request = TrainingRequest.model_validate({**TRAINING, "epochs": 3, "frobnicate": {"a": 1}})
    assert request.warnings == (
        "unknown field 'epochs', ignored; did you mean num_epochs?",
        "unknown field 'frobnicate', ignored",
    )
    assert request.model_dump() == TrainingRequest.model_validate(TRAINING).model_dump()
    assert request.model_copy(update={"priority": 1}).warnings == request.warnings


@pytest.mark.parametrize("model", [kind.request for kind in KINDS.values()])
def test_unknown_fields_of_any_request_that_starts_a_task_warn(model):
    example: dict[str, object] = {
        "cfg_path": "c",
        "weight_path": "w",
        "source_path": "s",
        "input_path": "i",
        "output_path": "o",
        "data_path": "d",
    }
    example |= {"dataset_path": "d", "x": 0, "y": 0, "width": 1, "height": 1, **TRAINING}
    known = {name: value for name, value in example.items() if name in model.model_fields}
    if model is AuditRequest:  # it takes a data set, or its parts
        known = {"dataset_path": "d"}
    assert model.model_validate(known).warnings == ()
    assert (
        model.model_validate({**known, "descripton": "x"})
        .warnings[0]
        .startswith("unknown field 'descripton', ignored")
    )


def test_unknown_fields_of_a_batch_are_compared_with_those_of_a_batch():
    request = BatchInferenceRequest(cfg_path="c", weight_path="w", source_paths=["s"], save_path="x")
    assert request.warnings == ("unknown field 'save_path', ignored; did you mean save_base_path?",)


def test_unknown_fields_are_few_short_and_printable():
    names = ["\x1b[31m\n\u202e", "x" * 100_000, "\udc80", *map(str, range(10_000))]
    warnings = warnings_about(names, TrainingRequest.model_fields)
    assert len(warnings) == MAX_NAMED + 1
    assert warnings[-1] == f"{len(names) - MAX_NAMED} further unknown fields, ignored"
    assert all(len(warning) < 120 and warning.isprintable() for warning in warnings)
    json.dumps(warnings, ensure_ascii=False).encode()
