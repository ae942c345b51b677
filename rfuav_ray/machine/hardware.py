"""The GPUs (through NVML) and the CPU (through psutil) of this machine. Does not import torch."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pynvml

from rfuav_ray.machine.cgroups import MOUNTED, OWN, control_groups

_GIB = 1024**3


def read_gpus(gpu_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """Read the state of GPUs, and the versions of driver, CUDA and PyTorch.

    Args:
        gpu_ids: NVML indices or UUIDs. None reads all GPUs.

    Returns:
        A dict. `devices` has one entry for each id, which is None for an unknown GPU. Memory is in GiB. Without a
        GPU or a driver `available` is False; this is not an error.
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
    """Query NVML; None on errors. Some boards lack a sensor, and with MIG some values are not available."""
    try:
        return query(*arguments)
    except pynvml.NVMLError:
        return None


def usable_cpus(cgroup: Path = OWN, mounted: Path = MOUNTED) -> int:
    """Return how many CPUs this process may use: its CPU affinity, limited by the quotas of its control groups.

    os.cpu_count() may be higher in a container, and so may Ray's count, which an operator can set.
    """
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, min([len(affinity), *map(math.ceil, _cpu_quotas(cgroup, mounted))]))


def _cpu_quotas(cgroup: Path, mounted: Path) -> Iterator[float]:
    """Yield the quotas in CPUs of the control group and its parents."""
    for folder in control_groups("cpu", cgroup, mounted):
        with suppress(OSError, ValueError, ZeroDivisionError):  # no limit, or not visible in this container
            yield _quota(folder)


def _quota(group: Path) -> float:
    """Return the quota of a control group in CPUs. Raises OSError or ValueError when it has no limit."""
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
    except FileNotFoundError:
        quota, period = (
            (group / name).read_text(encoding="ascii") for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        )
    if int(quota) < 0:
        raise ValueError("no limit")
    return int(quota) / int(period)


def read_cpu() -> dict[str, Any]:
    """Read the CPU load in percent since the last call in this process, and the frequency in MHz.

    Four values appear under two names: the name of the original service, which its page reads, and a longer one.
    """
    per_core = psutil.cpu_percent(percpu=True)
    total = round(sum(per_core) / len(per_core), 1)
    frequency = psutil.cpu_freq()
    frequency_mhz = round(frequency.current, 1) if frequency else None
    load = psutil.getloadavg()
    return {
        "node": os.uname().nodename,
        "percent": total,
        "per_cpu_percent": per_core,
        "freq_mhz": frequency_mhz,
        "load_avg": dict(zip(("1", "5", "15"), load, strict=True)),
        "cpu_percent": total,
        "per_core_percent": per_core,
        "cores": psutil.cpu_count(),
        "usable_cores": usable_cpus(),
        "physical_cores": psutil.cpu_count(logical=False),
        "frequency_mhz": frequency_mhz,
        "load_average": list(load),
        "memory_percent": psutil.virtual_memory().percent,
    }
