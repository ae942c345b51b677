"""The tables of the HTTP contract: fields, defaults and bounds."""

import pytest
from pydantic import ValidationError

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests import (
    BatchInferenceRequest,
    DeviceCaps,
    InferenceRequest,
    PriorityUpdate,
    ResourceConfigUpdate,
    TrainingRequest,
)

TRAINING = {"model": "resnet18", "num_classes": 2, "train_path": "t", "val_path": "v", "save_path": "s"}
INFERENCE = {"cfg_path": "c.yaml", "weight_path": "w.pth", "source_path": "s"}


def test_requests_the_defaults_of_a_training():
    given = TrainingRequest(**TRAINING).model_dump()
    assert given == TRAINING | {
        "name": None,
        "on_existing": "keep",
        "copy_to": None,
        "batch_size": 8,
        "num_epochs": 100,
        "learning_rate": 0.0001,
        "image_size": 224,
        "device": "cuda",
        "weight_path": "",
        "pretrained": True,
        "shuffle": True,
        "precision": "auto",
        "strict": False,
        "num_workers": 1,
        "task_id": None,
        "priority": 5,
        "description": None,
    }


def test_requests_the_defaults_of_an_inference():
    given = InferenceRequest(**INFERENCE).model_dump()
    assert given == INFERENCE | {
        "save_path": None,
        "name": None,
        "on_existing": "keep",
        "copy_to": None,
        "device": "cuda",
        "precision": "auto",
        "class_order": "config",
        "task_id": None,
        "priority": 3,
        **dict.fromkeys(["style", "sample_rate_hz", "data_type", "stft_points", "duration_s", "overlap"]),
        **{"center_frequency_hz": None, "variable": None, "real": False, "on_rate_mismatch": "resample"},
        **{"annotate": False, "save_images": False},
    }


@pytest.mark.parametrize("field", list(TRAINING))
def test_requests_what_a_training_needs(field):
    with pytest.raises(ValidationError, match=field):
        TrainingRequest(**{name: value for name, value in TRAINING.items() if name != field})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_classes", 0),
        ("num_classes", 100_001),
        ("batch_size", 65_537),
        ("num_epochs", 100_001),
        ("image_size", 8193),
        ("image_size", 10**21),
        ("batch_size", 0),
        ("num_epochs", 0),
        ("learning_rate", 0),
        ("learning_rate", float("inf")),
        ("image_size", 8),
        ("image_size", 31),
        ("priority", 0),
        ("priority", 11),
        ("precision", "fp16"),
        ("device", "gpu"),
        ("device", "cuda:-1"),
        ("device", "cpu:0"),
        ("task_id", "a/b"),
        ("task_id", ""),
        ("task_id", "x" * 65),
        ("task_id", "name\n"),
        ("task_id", "."),
        ("task_id", ".."),
        ("task_id", "..."),
        ("name", "../up"),
        ("name", ".."),
        ("name", ""),
        ("train_path", ""),
        ("train_path", "a\0b"),
        ("weight_path", "a\0b"),
    ],
)
def test_requests_a_training_out_of_bounds_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        TrainingRequest(**TRAINING | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_size", 32),
        ("image_size", 8192),
        ("batch_size", 65_536),
        ("num_epochs", 100_000),
        ("priority", 1),
        ("priority", 10),
        ("device", "cuda:12"),
        ("task_id", "A.b_c-1"),
        ("task_id", "..a"),
    ],
)
def test_requests_the_bounds_themselves_are_allowed(field, value):
    assert getattr(TrainingRequest(**TRAINING | {field: value}), field) == value


def test_requests_unknown_fields_are_ignored_as_old_clients_expect():
    assert not hasattr(TrainingRequest(**TRAINING, pin_memory=True), "pin_memory")


def test_requests_a_batch_needs_a_source():
    with pytest.raises(ValidationError, match="source_paths"):
        BatchInferenceRequest(cfg_path="c", weight_path="w", source_paths=[])


def test_requests_a_batch_has_at_most_a_thousand_sources():
    assert BatchInferenceRequest(cfg_path="c", weight_path="w", source_paths=["s"] * 1000)
    with pytest.raises(ValidationError, match="source_paths"):
        BatchInferenceRequest(cfg_path="c", weight_path="w", source_paths=["s"] * 1001)


def test_requests_caps_may_be_partial_but_not_negative_nor_over_a_thousand():
    update = ResourceConfigUpdate(max_concurrent={"cpu": {"training": 0, "inference": 1000}})
    assert update.max_concurrent["cpu"].model_dump(exclude_none=True) == {"training": 0, "inference": 1000}
    for limit in (-1, 1001, 10**21):
        with pytest.raises(ValidationError, match="inference"):
            ResourceConfigUpdate(max_concurrent={"cpu": {"inference": limit}})


def integers_of(schema):
    """The fields of a JSON schema that hold integers, with what bounds them."""
    for name, field in schema.get("properties", {}).items():
        for one in (field, *field.get("anyOf", ())):
            if one.get("type") == "integer":
                yield name, one


@pytest.mark.parametrize(
    "model",
    [*(kind.request for kind in KINDS.values()), BatchInferenceRequest, DeviceCaps, PriorityUpdate],
    ids=lambda m: m.__name__,
)
def test_requests_every_integer_of_a_request_has_bounds(model):
    for name, field in integers_of(model.model_json_schema()):
        assert {"minimum", "exclusiveMinimum"} & field.keys(), name
        assert {"maximum", "exclusiveMaximum"} & field.keys(), name


def test_requests_a_priority_is_1_to_10():
    with pytest.raises(ValidationError):
        PriorityUpdate(priority=0)
