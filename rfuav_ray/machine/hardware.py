"""What a machine has: GPUs through NVML, the CPU through psutil. Loads no torch."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
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


def usable_cpus(cgroup: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> int:
    """How many CPUs this process may use: those of its affinity, within the quotas of its control groups.

    Ray, when it is told a number, and os.cpu_count(), in a container, may say more.
    """
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, min([len(affinity), *map(math.ceil, _cpu_quotas(cgroup, mounted))]))


def _cpu_quotas(cgroup: Path, mounted: Path) -> Iterator[float]:
    """In CPUs, of the process's control group and of those around it: a service's limit may be its slice's."""
    try:
        lines = cgroup.read_text(encoding="utf-8").splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = mounted / controllers  # version 1; the only group of version 2 has no name
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            with suppress(OSError, ValueError, ZeroDivisionError):  # no such group in this container, no limit
                yield _quota(folder)
            if folder == root:
                break


def _quota(group: Path) -> float:
    """Raises OSError or ValueError where the group has no limit."""
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
    """Load since the last call in this process, percent; frequency in MHz.

    Four of the figures have two names: the original service's, which its page reads, and a longer one.
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
