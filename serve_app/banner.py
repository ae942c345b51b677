"""What the service says when it is up: the hardware it found, where it listens, where the docs are."""

from importlib.metadata import version
from typing import Any

from rfuav_ray.settings import Settings


def banner(settings: Settings, gpus: dict[str, Any], cluster: dict[str, float]) -> str:
    url = f"http://{settings.host}:{settings.port}"
    lines = [
        f"{settings.app_name} {settings.version} is ready.",
        f"  API       {url}/",
        f"  docs      {url}/docs",
        f"  files     {', '.join(str(root) for root in settings.data_roots)} (DATA_ROOTS)",
        f"  state     {settings.state_dir}",
        f"  Ray       {version('ray')}, {cluster.get('CPU', 0):g} CPUs, {cluster.get('GPU', 0):g} GPUs",
        f"  PyTorch   {gpus['pytorch_version']}, CUDA {gpus['cuda_version'] or 'not found'}",
    ]
    lines += [_gpu_line(device) for device in gpus["devices"]] or ["  GPU       none found: runs use the CPU"]
    if settings.api_keys and settings.auth == "on":
        lines.append(f"  key       {settings.api_keys[0]} (send it as X-API-Key)")
    lines.append("Stop with ctrl-C.")
    return "\n".join(lines)


def _gpu_line(device: dict[str, Any]) -> str:
    return (
        f"  {device['device_name']:<9} {device['name']}, compute capability {device['compute_capability']}, "
        f"{device['total_memory_gb']} GB, {device['allocated_memory_gb']} used, {device['free_memory_gb']} free"
    )
