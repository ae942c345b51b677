"""The format that a model computes in: float32, or bfloat16 where the device is faster with it."""

from collections.abc import Mapping
from typing import Any

import torch

from rfuav_ray.api.requests.fields import Precision
from rfuav_ray.events import Report, RunEvent

#: by the name that requests and reports have for it
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def resolve(precision: Precision, device: torch.device, report: Report) -> torch.dtype:
    """torch.float32 or torch.bfloat16; `auto` takes the one that is fast. A slow bfloat16 gives a WARNING."""
    if precision == "fp32":
        return torch.float32
    if has_fast_bfloat16(device):
        return torch.bfloat16
    if precision == "auto":
        return torch.float32
    message = f"bf16 is no faster than fp32 on {device}; `auto` would take fp32."
    report(RunEvent(message=message, level="WARNING"))
    return torch.bfloat16


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 by itself, and faster than in float32."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # it is asked of the current one
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return is_fast_cpu(torch.cpu.get_capabilities())


def is_fast_cpu(capabilities: Mapping[str, Any]) -> bool:
    """By what `torch.cpu.get_capabilities` says: the matrix unit, or an AVX-512 that gains from bfloat16.

    Intel's AVX-512 has one unit for vdpbf16ps and two for float32's multiply-add: nothing is gained.
    """
    if capabilities.get("amx_bf16"):
        return True
    is_intel = str(capabilities.get("cpu_name")).startswith("Intel")
    return bool(capabilities.get("avx512_bf16")) and not is_intel


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Within it, convolutions and matrix products are computed in `dtype`; weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype is torch.bfloat16)


def name_of(dtype: torch.dtype) -> str:
    return next(name for name, one in DTYPES.items() if one is dtype)
