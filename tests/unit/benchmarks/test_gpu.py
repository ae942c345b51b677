"""The benchmark of GPUs: its logic on the CPU, and what it says where there is no GPU."""

import pytest
import torch

from benchmarks import gpu


@pytest.mark.usefixtures("one_thread")
@pytest.mark.long
def test_gpu_compares_a_training_with_the_same_step_on_random_tensors():
    figures = gpu.measure(["mobilenet_v3_small"], device="cpu", images=8, batch_size=4, image_size=32, epochs=3)
    trained, random, fraction = figures
    # The first epoch decodes and does not count.
    assert len(trained.values) == len(fraction.values) == 2
    assert fraction.values[0] == pytest.approx(trained.values[0] / random.values[0])
    assert fraction.at_least == 0.9


def test_gpu_refuses_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu"])
    with pytest.raises(SystemExit, match="no CUDA GPU"):
        gpu.main()
