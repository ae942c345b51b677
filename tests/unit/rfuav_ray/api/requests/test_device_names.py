import pytest
from pydantic import ValidationError

from rfuav_ray.api.requests import BatchInferenceRequest, InferenceRequest, ResourceConfigUpdate, TrainingRequest
from rfuav_ray.api.requests.device_names import check_device_name

MEANT = {
    "gpu": "cuda",
    "GPU:0": "cuda:0",
    "cuda0": "cuda:0",
    "gpu_1": "cuda:1",
    "0": "cuda:0",
    "CUDA": "cuda",
    " cuda": "cuda",
    "cuda\n": "cuda",
    "auto": "cuda",
    "cuda:": "cuda",
    "CPU": "cpu",
    "cpu:0": "cpu",
}
UNKNOWN = ["mps", "xpu", "", " ", "cuda:-1", "cuda:99999", "cuda:٣", "cuda:0,1", "x" * 10_000]


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:12"])
def test_device_names_a_valid_name_is_left_as_it_is(name):
    assert check_device_name(name) == name


@pytest.mark.parametrize("name", [*MEANT, *UNKNOWN])
def test_device_names_a_refusal_has_the_valid_forms_and_the_probable_one(name):
    with pytest.raises(ValueError, match=r"choose cpu, cuda \(the least loaded GPU\) or cuda:N") as refused:
        check_device_name(name)
    meant = MEANT.get(name)
    assert str(refused.value).endswith(f"; did you mean {meant}?" if meant else "such as cuda:0)")
    assert len(str(refused.value)) < 200 and str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (
            TrainingRequest,
            {
                "model": "m",
                "num_classes": 1,
                "train_path": "t",
                "val_path": "v",
                "save_path": "s",
                "device": "gpu",
            },
        ),
        (InferenceRequest, {"cfg_path": "c", "weight_path": "w", "source_path": "s", "device": "gpu"}),
        (BatchInferenceRequest, {"cfg_path": "c", "weight_path": "w", "source_paths": ["s"], "device": "gpu"}),
        (ResourceConfigUpdate, {"max_concurrent": {"gpu": {"training": 1}}}),
    ],
)
def test_device_names_every_request_answers_in_the_same_words(model, fields):
    with pytest.raises(ValidationError, match=r"'gpu' is no device: choose cpu, .*; did you mean cuda\?"):
        model.model_validate(fields)
