"""What this machine has: GPUs through NVML, the CPU through psutil. Loads no torch."""

import os
from importlib.metadata import version
from typing import Any

import psutil
import pynvml

_GIB = 1024**3


def read_gpus() -> dict[str, Any]:
    """The `GPU info` of the HTTP contract. No GPU or no driver: `available` is false, no error."""
    info: dict[str, Any] = {
        "available": False,
        "count": 0,
        "cuda_version": None,
        "pytorch_version": version("torch"),
        "devices": [],
    }
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return info
    try:
        cuda = pynvml.nvmlSystemGetCudaDriverVersion_v2()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        devices = [_read_gpu(index, handle) for index, handle in enumerate(handles)]
    finally:
        pynvml.nvmlShutdown()
    return info | {
        "available": bool(devices),
        "count": len(devices),
        "cuda_version": f"{cuda // 1000}.{cuda % 1000 // 10}",
        "devices": devices,
    }


def _read_gpu(index: int, handle: Any) -> dict[str, Any]:
    memory = _or_none(pynvml.nvmlDeviceGetMemoryInfo, handle)
    utilization = _or_none(pynvml.nvmlDeviceGetUtilizationRates, handle)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    name = pynvml.nvmlDeviceGetName(handle)
    return {
        "id": index,
        "device_name": f"cuda:{index}",
        "name": name,
        "compute_capability": f"{major}.{minor}",
        "total_memory_gb": _gib(memory and memory.total),
        "allocated_memory_gb": _gib(memory and memory.used),
        # NVML sees what processes hold, torch's unused cache included: it cannot tell them apart.
        "cached_memory_gb": _gib(memory and memory.used),
        "free_memory_gb": _gib(memory and memory.free),
        "utilization": utilization and utilization.gpu,
        "uuid": pynvml.nvmlDeviceGetUUID(handle),
        "node": os.uname().nodename,
        "temperature_c": _or_none(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU),
        "power_w": _power_w(handle),
    }


def _gib(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else round(size_bytes / _GIB, 2)


def _power_w(handle: Any) -> float | None:
    milliwatts = _or_none(pynvml.nvmlDeviceGetPowerUsage, handle)
    return None if milliwatts is None else milliwatts / 1000


def _or_none(query: Any, *arguments: Any) -> Any:
    """Some boards have no such sensor, and a partitioned one does not tell of the whole."""
    try:
        return query(*arguments)
    except pynvml.NVMLError:
        return None


def read_cpu() -> dict[str, Any]:
    """Load since the last call, percent; frequency in MHz."""
    per_core = psutil.cpu_percent(percpu=True)
    frequency = _frequency_mhz()
    return {
        "cpu_percent": round(sum(per_core) / len(per_core), 1),
        "per_core_percent": per_core,
        "cores": psutil.cpu_count(),
        "physical_cores": psutil.cpu_count(logical=False),
        "frequency_mhz": frequency,
        "load_average": list(psutil.getloadavg()),
        "memory_percent": psutil.virtual_memory().percent,
    }


def _frequency_mhz() -> float | None:
    frequency = psutil.cpu_freq()
    return round(frequency.current, 1) if frequency else None
