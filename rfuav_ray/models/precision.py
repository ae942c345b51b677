"""The number format that a model computes in: float32, or bfloat16 where the device is faster with it."""

from collections.abc import Mapping
from typing import Any

import torch

from rfuav_ray.api.requests.fields import Precision
from rfuav_ray.events import Report, RunEvent

#: torch's types by their names in requests and reports
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def resolve(precision: Precision, device: torch.device, report: Report) -> torch.dtype:
    """Choose torch.float32 or torch.bfloat16.

    `auto` takes bfloat16 only where it is faster. An explicit `bf16` is used even where it is not; a WARNING is
    reported then.
    """
    if precision == "fp32":
        return torch.float32
    if has_fast_bfloat16(device):
        return torch.bfloat16
    if precision == "auto":
        return torch.float32
    message = f"bf16 is not faster than fp32 on {device}. `auto` would choose fp32."
    report(RunEvent(message=message, level="WARNING"))
    return torch.bfloat16


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device has native bfloat16 arithmetic that is faster than float32."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # is_bf16_supported asks the current device
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return is_fast_cpu(torch.cpu.get_capabilities())


def is_fast_cpu(capabilities: Mapping[str, Any]) -> bool:
    """Whether a CPU with these `torch.cpu.get_capabilities` is faster in bfloat16: with AMX, or non-Intel AVX-512.

    Intel's AVX-512 has one unit for vdpbf16ps and two for float32's multiply-add, so bfloat16 gains nothing.
    """
    if capabilities.get("amx_bf16"):
        return True
    is_intel = str(capabilities.get("cpu_name")).startswith("Intel")
    return bool(capabilities.get("avx512_bf16")) and not is_intel


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """A context in which convolutions and matrix products are computed in `dtype`. Weights stay as they are."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype is torch.bfloat16)


def name_of(dtype: torch.dtype) -> str:
    return next(name for name, one in DTYPES.items() if one is dtype)
