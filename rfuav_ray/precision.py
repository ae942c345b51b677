"""In which number format a device computes fastest without hurting a classifier."""

from contextlib import AbstractContextManager, nullcontext

import torch


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; where it emulates them it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Private names, but the public get_capabilities() is missing in the older torch we accept.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 where the device has it, else float32. The weights are cast once for all it encloses."""
    if computes_bfloat16(device):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()
