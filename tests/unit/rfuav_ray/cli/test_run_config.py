import re
from pathlib import Path

import pytest
import yaml

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests import BatchInferenceRequest, InferenceRequest, TrainingRequest
from rfuav_ray.cli.run_config import (
    given_fields,
    inference_request,
    read_settings,
    request_of,
    training_request,
)
from rfuav_ray.errors import InvalidInput, RfuavError
from tests.support.project import ROOT
from tests.support.run_configs import FULL, config

CONFIGS = ROOT / "configs"
MODEL = {"cfg_path": "m.yaml", "weight_path": "m.pth"}


def test_run_config_flags_alone_make_a_request(folder):
    assert given_fields(training_request(None, FULL)) == {
        **FULL,
        "train_path": str(folder / "a"),
        "val_path": str(folder / "b"),
        "save_path": str(folder / "c"),
    }


def test_run_config_flags_win_over_the_file_and_only_what_was_given_is_sent(folder):
    path = config(folder, {**FULL, "batch_size": 4, "shuffle": True})
    fields = given_fields(training_request(path, {"batch_size": 16, "shuffle": False, "num_epochs": None}))
    assert fields["batch_size"] == 16
    assert fields["shuffle"] is False
    assert set(fields) == {*FULL, "batch_size", "shuffle"}


def test_run_config_relative_paths_start_at_the_working_folder_not_at_the_file(folder):
    (folder / "sub").mkdir()
    path = config(folder / "sub", {**FULL, "train_path": "../data/./train"})
    request = training_request(path, {"val_path": Path("valid"), "save_path": "/absolute/out"})
    assert request.train_path == str(folder.parent / "data" / "train")
    assert request.val_path == str(folder / "valid")
    assert request.save_path == "/absolute/out"


def test_run_config_the_home_folder_is_meant_by_a_tilde_and_links_stay(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    (folder / "link").symlink_to(folder)
    request = training_request(None, {**FULL, "train_path": "~/train", "val_path": "link/valid"})
    assert request.train_path == str(folder / "train")
    assert request.val_path == str(folder / "link" / "valid")


def test_run_config_no_weights_stay_no_weights(folder):
    assert training_request(None, {**FULL, "weight_path": ""}).weight_path == ""


def test_run_config_empty_values_of_a_file_mean_the_default(folder):
    path = config(folder, "name:\nbatch_size: null\n" + yaml.safe_dump(FULL))
    request = training_request(path, {})
    assert (request.batch_size, request.name) == (8, None)


def test_run_config_numbers_as_yaml_writes_them(folder):
    path = config(folder, yaml.safe_dump(FULL) + "learning_rate: 1e-4\n")  # a string to YAML 1.1
    assert training_request(path, {}).learning_rate == 0.0001


def test_run_config_classes_are_counted(folder):
    for name in ("drone", "remote", ".hidden"):
        (folder / "a" / name).mkdir(parents=True)
        (folder / "a" / name / "1.png").write_bytes(b"x")
    flags = {name: value for name, value in FULL.items() if name != "num_classes"}
    assert given_fields(training_request(None, flags))["num_classes"] == 2


def test_run_config_classes_cannot_be_counted_elsewhere(folder):
    flags = {name: value for name, value in FULL.items() if name != "num_classes"}
    with pytest.raises(InvalidInput, match=rf"num_classes: .*no folder '{folder}/a'.*--num-classes"):
        training_request(None, flags)


def test_run_config_a_folder_without_classes_is_refused(folder):
    (folder / "a").mkdir()
    flags = {name: value for name, value in FULL.items() if name != "num_classes"}
    with pytest.raises(InvalidInput, match=r"train_path: .*no class folder"):
        training_request(None, flags)


def test_run_config_all_that_is_wrong_is_said_at_once(folder):
    with pytest.raises(RfuavError) as caught:
        training_request(
            None, {"model": "resnet18", "num_classes": 0, "val_path": "b", "device": "gpu", "priority": 11}
        )
    for field in ("num_classes", "train_path: is missing", "save_path: is missing", "device", "priority"):
        assert field in str(caught.value)
    assert "val_path" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("num_epoch: 3\n", "unknown field 'num_epoch'; did you mean 'num_epochs'?"),
        ("zzz: 3\n", "unknown field 'zzz'; the fields are model, "),
        ("model: a\nmodel: b\n", "has model more than once"),
        ("", "must hold lines like"),
        ("- a\n- b\n", "must hold lines like"),
        ("just text", "must hold lines like"),
        ("1: a\n", "must hold lines like"),
        ("model: [unclosed\n", "is not YAML"),
        ("model: !!python/object/apply:os.getcwd []\n", "is not YAML"),
        ("model: \x00\n", "is not YAML"),
    ],
)
def test_run_config_a_bad_file_is_named_with_its_fault(folder, content, reason):
    path = config(folder, content)
    with pytest.raises(RfuavError) as caught:
        training_request(path, {})
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


def test_run_config_all_that_is_wrong_in_a_file_is_said_at_once_by_its_keys(folder):
    path = config(folder, FULL | {"modell": "x", "zzz": 1, "lr": -1, "bs": "many", "image_size": "(224, 320)"})
    with pytest.raises(RfuavError) as caught:
        training_request(path, {})
    for reason in (
        "'modell'; did you mean 'model'?",
        "'zzz'; the fields are",
        "lr: ",
        "bs: ",
        "224 × 320 is a rectangle",
    ):
        assert reason in str(caught.value)
    assert "learning_rate: " not in str(caught.value)
    assert "Value error" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_run_config_a_file_that_cannot_be_read_is_named(folder):
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    for name, reason in (("gone.yaml", "No such file"), (".", "Is a directory"), ("binary", "UTF-8")):
        with pytest.raises(InvalidInput, match=reason):
            training_request(folder / name, {})


def test_run_config_wrong_types_of_a_file_are_named(folder):
    path = config(folder, {**FULL, "train_path": 7, "name": 2026})
    with pytest.raises(RfuavError, match=r"train_path: .*\(it is 7\); name: "):
        training_request(path, {})


def test_run_config_one_source_makes_one_inference(folder):
    for flags, sources in ((MODEL, ["x"]), ({**MODEL, "source_path": None}, ["x"])):
        request = inference_request(None, {**flags, "save_path": Path("out")}, sources)
        assert isinstance(request, InferenceRequest)
        assert given_fields(request) == {
            "cfg_path": str(folder / "m.yaml"),
            "weight_path": str(folder / "m.pth"),
            "source_path": str(folder / "x"),
            "save_path": str(folder / "out"),
        }


def test_run_config_the_source_may_come_from_the_file(folder):
    path = config(folder, {**MODEL, "source_path": "x", "name": "n"})
    assert given_fields(inference_request(path, {}, []))["source_path"] == str(folder / "x")


def test_run_config_several_sources_make_a_batch(folder):
    path = config(folder, {**MODEL, "source_path": "unused", "save_path": "out", "device": "cpu"})
    request = inference_request(path, {"priority": 1}, ["x", "/y"])
    assert isinstance(request, BatchInferenceRequest)
    assert given_fields(request) == {
        "cfg_path": str(folder / "m.yaml"),
        "weight_path": str(folder / "m.pth"),
        "source_paths": [str(folder / "x"), "/y"],
        "save_base_path": str(folder / "out"),
        "device": "cpu",
        "priority": 1,
    }


@pytest.mark.parametrize("text", ["https://host/x", "C:\\data", "$DATA/x", " x", '"x"', "x\n"])
def test_run_config_a_text_that_is_no_path_is_refused_before_it_is_made_absolute(folder, text):
    for fields, sources in ((MODEL | {"save_path": text}, ["x"]), (MODEL, [text]), (MODEL, ["x", text])):
        with pytest.raises(InvalidInput, match=r"URL|Windows|variables|space|quotation|line break"):
            inference_request(None, fields, sources)
    (folder / "a$B").mkdir()
    assert inference_request(None, MODEL, ["a$B"]).source_path == str(folder / "a$B")


@pytest.mark.parametrize("field", ["name", "task_id"])
def test_run_config_a_batch_has_no_single_name(folder, field):
    with pytest.raises(InvalidInput, match=rf"{field}: .*several sources"):
        inference_request(None, {**MODEL, field: "n"}, ["x", "y"])


def test_run_config_an_inference_without_a_source_is_refused(folder):
    with pytest.raises(RfuavError, match="source_path: is missing"):
        inference_request(None, MODEL, [])


def test_run_config_a_preprocessing_takes_its_fields_from_the_parameters_and_the_file(folder):
    path = config(folder, {"input_path": "in", "output_path": "out", "seed": 3, "train_ratio": 0.5})
    parameters = {"input_path": None, "output_path": "~/new", "seed": 7, "config": path, "detach": True}
    assert given_fields(request_of(KINDS["split"], path, parameters)) == {
        "input_path": str(folder / "in"),
        "output_path": str(Path.home() / "new"),
        "seed": 7,
        "train_ratio": 0.5,
    }


@pytest.mark.parametrize("flags", [{}, {"image_size": "none"}])
def test_run_config_no_size_is_said_by_a_word(folder, flags):
    path = config(folder, {"input_path": "in", "output_path": "out", "image_size": 320 if flags else "none"})
    assert given_fields(request_of(KINDS["spectrogram"], path, flags))["image_size"] is None


def test_run_config_an_empty_path_is_not_the_working_folder(folder):
    with pytest.raises(RfuavError, match=r"input_path: .*at least 1 character"):
        request_of(KINDS["split"], None, {"input_path": "", "output_path": "out"})


def test_run_config_a_file_of_another_command_is_refused(folder):
    path = config(folder, FULL)
    with pytest.raises(RfuavError, match=r"unknown field 'model'.*; the fields are dataset_path, "):
        request_of(KINDS["augment"], path, {})


def test_run_config_settings_come_from_the_environment_and_flags_win(folder, monkeypatch):
    monkeypatch.setenv("RFUAV_PORT", "8001")
    monkeypatch.setenv("HOST", "0.0.0.0")
    assert read_settings(host=None, port=None).port == 8001
    settings = read_settings(host="127.0.0.1", port=8002)
    assert (settings.host, settings.port) == ("127.0.0.1", 8002)


def test_run_config_wrong_settings_are_named_as_in_the_environment(folder, monkeypatch):
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("RFUAV_TASK_QUEUE_SIZE", "0")
    with pytest.raises(RfuavError, match=r"PORT: .*\(it is 'abc'\).*TASK_QUEUE_SIZE: ") as caught:
        read_settings()
    assert "RFUAV_TASK" not in str(caught.value)


@pytest.mark.parametrize(
    "path", sorted(CONFIGS.glob("train/*.yaml")) + sorted(CONFIGS.glob("train*.yaml")), ids=lambda path: path.name
)
def test_run_config_shipped_trainings_are_valid(path, folder):
    assert training_request(path, {"num_classes": 2}).model == "resnet18"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("infer*.yaml")), ids=lambda path: path.name)
def test_run_config_shipped_inferences_are_valid(path, folder):
    assert inference_request(path, {}, []).source_path


@pytest.mark.parametrize(("name", "kind"), [("train.yaml", TrainingRequest), ("infer.yaml", InferenceRequest)])
def test_run_config_what_a_shipped_config_shows_in_comments_is_valid_too(name, kind):
    lines = (CONFIGS / name).read_text(encoding="utf-8").splitlines()
    shown = [line.removeprefix("# ") for line in lines if re.match(r"(# )?[a-z_]+: \S", line)]
    fields = yaml.safe_load("\n".join(line for line in shown if line.split(":")[0] in kind.model_fields))
    kind.model_validate({**fields, "num_classes": 2})
    assert len(fields) >= 6
