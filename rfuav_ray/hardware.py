"""What a machine has: GPUs through NVML, the CPU through psutil. Loads no torch."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import psutil
import pynvml

_GIB = 1024**3


def read_gpus(gpu_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """The GPUs with these ids (numbers of NVML or UUIDs; None: all) and the versions of the software.

    `devices` has an entry for each id, None where there is no such GPU; all memory is in GiB. No GPU or no driver:
    `available` is false, no error.
    """
    info: dict[str, Any] = {
        "available": False,
        "cuda_version": None,
        "driver_version": None,
        "pytorch_version": version("torch"),
        "devices": [None for _ in gpu_ids or ()],
    }
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return info | {"reason": str(error)}
    try:
        if gpu_ids is None:
            gpu_ids = [str(number) for number in range(pynvml.nvmlDeviceGetCount())]
        devices = [_read_gpu(gpu_id) for gpu_id in gpu_ids]
        cuda = _or_none(pynvml.nvmlSystemGetCudaDriverVersion_v2)
        driver_version = _or_none(pynvml.nvmlSystemGetDriverVersion)
    finally:
        pynvml.nvmlShutdown()
    return info | {
        "available": any(devices),
        "cuda_version": cuda and f"{cuda // 1000}.{cuda % 1000 // 10}",
        "driver_version": driver_version,
        "devices": devices,
    }


def _read_gpu(gpu_id: str) -> dict[str, Any] | None:
    find = pynvml.nvmlDeviceGetHandleByIndex if gpu_id.isdecimal() else pynvml.nvmlDeviceGetHandleByUUID
    handle = _or_none(find, int(gpu_id) if gpu_id.isdecimal() else gpu_id)
    if handle is None:
        return None
    memory = _or_none(pynvml.nvmlDeviceGetMemoryInfo, handle)
    utilization = _or_none(pynvml.nvmlDeviceGetUtilizationRates, handle)
    capability = _or_none(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    milliwatts = _or_none(pynvml.nvmlDeviceGetPowerUsage, handle)
    return {
        "name": _or_none(pynvml.nvmlDeviceGetName, handle),
        "compute_capability": capability and "{}.{}".format(*capability),
        "total_memory_gb": memory and gib(memory.total),
        "used_memory_gb": memory and gib(memory.used),
        "free_memory_gb": memory and gib(memory.free),
        "utilization": utilization and utilization.gpu,
        "uuid": _or_none(pynvml.nvmlDeviceGetUUID, handle),
        "temperature_c": _or_none(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU),
        "power_w": milliwatts and milliwatts / 1000,
    }


def gib(size_bytes: int) -> float:
    return round(size_bytes / _GIB, 2)


def _or_none(query: Any, *arguments: Any) -> Any:
    """Some boards have no such sensor, and a partitioned one does not tell of the whole."""
    try:
        return query(*arguments)
    except pynvml.NVMLError:
        return None


def read_cpu() -> dict[str, Any]:
    """Load since the last call in this process, percent; frequency in MHz."""
    per_core = psutil.cpu_percent(percpu=True)
    frequency = psutil.cpu_freq()
    return {
        "node": os.uname().nodename,
        "cpu_percent": round(sum(per_core) / len(per_core), 1),
        "per_core_percent": per_core,
        "cores": psutil.cpu_count(),
        "physical_cores": psutil.cpu_count(logical=False),
        "frequency_mhz": round(frequency.current, 1) if frequency else None,
        "load_average": list(psutil.getloadavg()),
        "memory_percent": psutil.virtual_memory().percent,
    }
