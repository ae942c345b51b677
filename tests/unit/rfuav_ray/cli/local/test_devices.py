import pytest

from rfuav_ray.cli.local.devices import torch_device
from rfuav_ray.errors import InvalidInput


@pytest.mark.parametrize("may_use_gpus", [True, False])
def test_devices_the_cpu_needs_no_message(may_use_gpus):
    events = []
    assert torch_device("cpu", events.append, may_use_gpus=may_use_gpus) == "cpu"
    assert events == []


def test_devices_the_cpu_stands_in_for_a_gpu_that_is_not_reserved(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    events = []
    assert torch_device("cuda", events.append, may_use_gpus=False) == "cpu"
    assert "--entrypoint-num-gpus 1" in events[0].message and events[0].level == "WARNING"
    assert torch_device("cuda", events.append, may_use_gpus=True) == "cuda:0"
    assert len(events) == 1


def test_devices_a_gpu_with_a_number_is_never_replaced(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert torch_device("cuda:1", print, may_use_gpus=True) == "cuda:1"
    with pytest.raises(InvalidInput, match="'cuda:2' does not exist: 2 GPUs are visible"):
        torch_device("cuda:2", print, may_use_gpus=True)
    with pytest.raises(InvalidInput, match="no GPU is reserved for this job"):
        torch_device("cuda:1", print, may_use_gpus=False)
