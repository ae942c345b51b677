"""What was measured on, in words."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from rfuav_ray.hardware import read_gpus

PACKAGES = {"Ray": "ray", "PyTorch": "torch", "torchvision": "torchvision", "OpenCV": "opencv-python-headless"}
#: instructions for bfloat16, with which the CPU learns and classifies about twice as fast
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


def describe() -> dict[str, str]:
    model, flags = _cpu()
    gpus = [gpu["name"] for gpu in read_gpus()["devices"] if gpu]
    bfloat16 = (
        " and ".join(name for name in BFLOAT16_FLAGS if name in flags) or f"no {' or '.join(BFLOAT16_FLAGS)}"
    )
    return {
        "CPU": f"{model}, {os.cpu_count()} cores, {bfloat16 or 'no instructions for bfloat16'}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "GPU": ", ".join(gpus) or "none",
        "Python": platform.python_version(),
        **{name: version(package) for name, package in PACKAGES.items()},
    }


def _cpu() -> tuple[str, set[str]]:
    """Its name and its flags, as Linux tells them."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return facts.get("model name") or platform.processor(), set(facts.get("flags", "").split())
