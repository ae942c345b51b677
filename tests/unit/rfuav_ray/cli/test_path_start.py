from pathlib import Path

import pytest

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.cli.path_start import PathStart
from rfuav_ray.cli.run_config import request_of, training_request
from rfuav_ray.errors import InvalidInput

FIELDS = {"model": "resnet18", "num_classes": 2, "train_path": "a", "val_path": "b", "save_path": "c"}


def test_path_start_relative_paths_start_at_the_root(tmp_path, folder):
    (folder / "root").mkdir()
    for root in (tmp_path / "root", Path("root")):
        request = training_request(None, FIELDS | {"val_path": "/elsewhere"}, PathStart(root=root))
        assert (request.train_path, request.save_path) == (str(folder / "root/a"), str(folder / "root/c"))
        assert request.val_path == "/elsewhere"


def test_path_start_a_root_must_exist(tmp_path):
    with pytest.raises(InvalidInput, match=r"--root: there is no folder '.*gone' on "):
        PathStart(root=tmp_path / "gone")


def test_path_start_in_a_disposable_folder_results_need_an_absolute_path_or_a_root(folder):
    job = PathStart(is_disposable=True)
    with pytest.raises(InvalidInput, match=r"^save_path: 'c' is relative, .* --root or RFUAV_ROOT"):
        training_request(None, FIELDS, job)
    request = training_request(None, FIELDS | {"save_path": "/results"}, job)
    assert (request.train_path, request.save_path) == (str(folder / "a"), "/results")
    assert training_request(None, FIELDS, PathStart(root=folder, is_disposable=True)).save_path == str(
        folder / "c"
    )
    with pytest.raises(InvalidInput, match=r"--root: '\.' is relative"):
        PathStart(root=Path(), is_disposable=True)


def test_path_start_an_augmented_data_set_lies_beside_its_source(folder):
    job = PathStart(is_disposable=True)
    with pytest.raises(InvalidInput, match="dataset_path: 'in' is relative, so the results"):
        request_of(KINDS["augment"], None, {"dataset_path": "in"}, job)
    fields = {"dataset_path": "in", "output_path": "/out"}
    assert request_of(KINDS["augment"], None, fields, job)
