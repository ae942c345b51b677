import pytest
import torch

from rfuav_ray.errors import RunError
from rfuav_ray.machine.gpu_memory import explaining_out_of_memory, used_gpu_memory

# As torch 2.15 words it; there is no GPU in the tests to be filled.
MESSAGE = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 5.32 GiB "
    "is free. Process 1234 has 73.77 GiB memory in use."
)


def test_gpu_memory_the_figures_of_the_gpu_and_what_to_do_are_named():
    with pytest.raises(RunError) as error, explaining_out_of_memory("Lower batch_size."):
        raise torch.OutOfMemoryError(MESSAGE)
    assert str(error.value) == (
        "The GPU is out of memory: asked for 20.00 GiB, 5.32 GiB of 79.10 GiB were free. Lower batch_size."
    )


def test_gpu_memory_libraries_that_say_less_are_quoted():
    with pytest.raises(RunError, match="CUBLAS_STATUS_ALLOC_FAILED when calling"), explaining_out_of_memory("X"):
        raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")


def test_gpu_memory_other_errors_pass():
    with pytest.raises(RuntimeError, match="sizes differ"), explaining_out_of_memory("X"):
        raise RuntimeError("sizes differ")


@pytest.mark.skipif(torch.cuda.is_available(), reason="another test may have used the GPU")
def test_gpu_memory_a_process_without_a_gpu_uses_none():
    assert used_gpu_memory() is None
