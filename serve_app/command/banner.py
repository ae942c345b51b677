"""The text that the service prints when it is ready: hardware, addresses, notices."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from rfuav_ray.settings import Settings


def banner(
    settings: Settings,
    resources: dict[str, Any],
    cluster: dict[str, float],
    notices: Sequence[str] = (),
    made_key: str | None = None,
) -> str:
    """Build the text.

    Args:
        settings: the service's settings.
        resources: the TaskManager's report about the devices.
        cluster: Ray's total resources, such as CPU and GPU, by name.
        notices: messages for the operator.
        made_key: the key that was made for this start, which nobody else knows. Other keys are not printed.
    """
    gpus = resources["gpu_info"]
    lines = [
        f"{settings.app_name} {settings.version} is ready.",
        f"  API       {settings.url}/",
        f"  docs      {settings.url}/docs",
        f"  files     {', '.join(str(root) for root in settings.data_roots)} (DATA_ROOTS)",
        f"  state     {settings.state_dir}",
        f"  Ray       {version('ray')}, {cluster.get('CPU', 0):g} CPUs, {cluster.get('GPU', 0):g} GPUs",
        f"  PyTorch   {gpus['pytorch_version']}, CUDA {gpus['cuda_version'] or 'not found'}",
    ]
    lines += [_gpu_line(device) for device in gpus["devices"]] or [_no_gpu_line(list(resources["limits"]))]
    lines += [f"  slots     {device}: {_slots(limits)}" for device, limits in resources["limits"].items()]
    if made_key is not None:
        lines.append(f"  key       {made_key} (send it as X-API-Key; the next start makes another one)")
    lines += [f"  NOTICE    {notice}" for notice in notices]
    lines.append("Stop with ctrl-C.")
    return "\n".join(lines)


def _no_gpu_line(devices: list[str]) -> str:
    logical = ", ".join(devices[1:])
    if logical:
        return f"  GPU       {logical}: logical, no hardware found; runs on them use the CPU"
    return "  GPU       none found: runs use the CPU"


def _slots(limits: dict[str, int]) -> str:
    return ", ".join(f"{limit} {kind}" for kind, limit in limits.items())


def _gpu_line(device: dict[str, Any]) -> str:
    running = sum(device["current_tasks"].values())
    return (
        f"  {device['device_name']:<9} {device['name']} on {device['node']}, compute capability "
        f"{device['compute_capability']}, {device['total_memory_gb']} GB, {device['used_memory_gb']} used, "
        f"{device['free_memory_gb']} free, {running} tasks running"
    )
