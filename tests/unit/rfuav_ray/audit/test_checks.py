"""Requests that are refused at submission."""

from pathlib import Path
from typing import Any

import pytest

from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.audit.checks import check_audit
from rfuav_ray.errors import InvalidInput
from tests.unit.rfuav_ray.audit.datasets import frames, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for part in ("train", "valid"):
        write(tmp_path / "data" / part, *frames("a", "r1"))
    write(tmp_path / "lonely" / "valid", *frames("a", "r1"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "train" / "a").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"dataset_path": "missing"}, "dataset_path"),
        ({"dataset_path": "empty"}, "dataset_path"),
        ({"dataset_path": "hollow"}, "dataset_path"),
        ({"dataset_path": "lonely"}, "dataset_path"),
        ({"dataset_path": "data/train/a/r1_00000.png"}, "dataset_path"),
        ({"dataset_path": "/etc"}, "dataset_path"),
        ({"train_path": "data/train", "val_path": "data/train"}, "val_path"),
        ({"train_path": "data/train", "val_path": "missing"}, "val_path"),
        ({"train_path": "empty", "val_path": "data/valid"}, "train_path"),
        ({"dataset_path": "data", "save_path": "data/train/out"}, "save_path"),
        ({"dataset_path": "data", "save_path": "/etc"}, "save_path"),
    ],
)
def test_check_audit_names_the_field(data: Path, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_audit(AuditRequest(**fields), roots=[data])
    assert refused.value.field == field


@pytest.mark.parametrize(
    "fields",
    [
        {"dataset_path": "data"},
        {"dataset_path": "data/train"},
        {"train_path": "data/train", "val_path": "data/valid"},
    ],
)
def test_check_audit_resolves_paths(data: Path, fields: dict[str, Any]) -> None:
    checked = check_audit(AuditRequest(**fields, save_path="out"), roots=[data])
    assert {name: getattr(checked, name) for name in fields} == {
        name: str(data / value) for name, value in fields.items()
    }
    assert checked.save_path == str(data / "out")
