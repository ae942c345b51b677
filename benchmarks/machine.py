"""Description of the machine that runs the benchmarks."""

import os
import platform
import subprocess
import time
from importlib.metadata import version

import psutil
import torch

from rfuav_ray.machine.hardware import read_gpus
from rfuav_ray.models.precision import has_fast_bfloat16

PACKAGES = {"Ray": "ray", "PyTorch": "torch", "torchvision": "torchvision", "OpenCV": "opencv-python-headless"}


def describe() -> dict[str, str]:
    gpus = [gpu["name"] for gpu in read_gpus()["devices"] if gpu]
    # With fast bf16, training and inference are up to twice as fast.
    bfloat16 = "fast" if has_fast_bfloat16(torch.device("cpu")) else "not fast"
    return {
        "CPU": f"{_cpu()}, {os.cpu_count()} cores, {bfloat16} with bf16",
        "a byte to another process and back": f"{_round_trip_us():.0f} µs",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "GPU": ", ".join(gpus) or "none",
        "Python": platform.python_version(),
        **{name: version(package) for name, package in PACKAGES.items()},
    }


def _round_trip_us(times: int = 5000) -> float:
    """Send a byte to another process and back. The API depends on this most: a request passes four processes."""
    with subprocess.Popen(["cat"], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin and other.stdout
        started_s = time.perf_counter()
        for _ in range(times):
            other.stdin.write(b".")
            other.stdout.read(1)
        return (time.perf_counter() - started_s) / times * 1e6


def _cpu() -> str:
    """Return the name of the CPU, as PyTorch reads it from the processor."""
    return str(torch.cpu.get_capabilities().get("cpu_name") or platform.processor())
