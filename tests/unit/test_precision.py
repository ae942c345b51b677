import torch

from rfuav_ray.precision import autocast, computes_bfloat16


def test_autocast_computes_in_bfloat16_exactly_where_the_cpu_has_it():
    device = torch.device("cpu")
    matrix = torch.eye(4)
    with autocast(device):
        result = matrix @ matrix
    assert (result.dtype == torch.bfloat16) == computes_bfloat16(device)
    assert (matrix @ matrix).dtype == torch.float32
